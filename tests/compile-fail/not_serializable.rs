pub struct Article;

coincide::interface! {
    mod shop {
        fn price(article: super::Article) -> u64;
    }
}

fn main() {}
