coincide::interface! {
    pub trait Shop {
        fn price(article: String) -> u64;
    }
}

fn main() {}
