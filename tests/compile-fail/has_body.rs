coincide::interface! {
    mod shop {
        fn price(article: String) -> u64 { 7 }
    }
}

fn main() {}
