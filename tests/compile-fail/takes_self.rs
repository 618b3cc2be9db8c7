coincide::interface! {
    mod shop {
        fn price(&self, article: String) -> u64;
    }
}

fn main() {}
