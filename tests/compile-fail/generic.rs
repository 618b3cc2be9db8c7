coincide::interface! {
    mod shop {
        fn price<T>(article: T) -> u64;
    }
}

fn main() {}
