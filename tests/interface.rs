//! Typed interfaces.

use coincide::{ByteBuf, CallError, CallErrorKind, Main, Thrown, interface};
use std::rc::Rc;

interface! {
    /// What main offers.
    mod shop {
        /// The price of an article in cents.
        fn price(article: String) -> Option<u64>;
        fn order(articles: Vec<String>, express: bool) -> super::Receipt;
        fn close();
        async fn wait(milliseconds: u64) -> u64;
        fn mirror(bytes: ByteBuf) -> ByteBuf;
    }
}

interface! {
    mod other_shop {
        fn price(article: u32) -> Option<u64>;
    }
}

/// What comes of an order.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Receipt {
    /// In cents.
    pub total: u64,
    /// How it comes.
    pub delivery: Delivery,
}

/// How it comes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Delivery {
    /// In a week.
    Normal,
    /// Tomorrow.
    Express {
        /// In cents.
        surcharge: u64,
    },
}

struct Counter;

impl shop::Service for Counter {
    fn price(&self, article: String) -> Result<Option<u64>, Thrown> {
        Ok((article == "apple").then_some(50))
    }

    fn order(&self, articles: Vec<String>, express: bool) -> Result<Receipt, Thrown> {
        if articles.is_empty() {
            return Err(Thrown::new("RangeError", "nothing was ordered"));
        }
        let delivery = if express { Delivery::Express { surcharge: 900 } } else { Delivery::Normal };
        Ok(Receipt { total: 50 * articles.len() as u64, delivery })
    }

    fn close(&self) -> Result<(), Thrown> {
        Ok(())
    }

    async fn wait(self: Rc<Self>, milliseconds: u64) -> Result<u64, Thrown> {
        Ok(milliseconds)
    }

    fn mirror(&self, bytes: ByteBuf) -> Result<ByteBuf, Thrown> {
        Ok(bytes)
    }
}

#[test]
fn a_worker_uses_what_main_serves() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            let shop = shop::Client::new(scope.sync());
            assert_eq!(shop.price("apple".into())?, Some(50));
            assert_eq!(shop.price("pear".into())?, None);
            let receipt = shop.order(vec!["apple".into(), "apple".into()], true)?;
            assert_eq!(receipt, Receipt { total: 100, delivery: Delivery::Express { surcharge: 900 } });
            let error = shop.order(Vec::new(), false).unwrap_err();
            assert_eq!(error.thrown().map(|thrown| &*thrown.class), Some("RangeError"));
            shop.close()?;
            assert_eq!(shop.wait(7)?, 7);
            let bytes = ByteBuf::from(vec![7; 100_000]);
            assert_eq!(shop.mirror(bytes.clone())?, bytes);
            Ok(())
        })
        .unwrap();
    worker.register_interface(shop::functions(Counter));
    main.block_on(worker.ready()).unwrap();
}

#[test]
fn main_uses_what_a_worker_serves() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            scope.export_interface(shop::functions(Counter));
            Ok(())
        })
        .unwrap();
    main.block_on(async {
        let shop = shop::Client::new(worker.proxy());
        assert_eq!(shop.price("apple".into()).await, Ok(Some(50)));
        assert_eq!(shop.wait(7).await, Ok(7));
    });
}

#[test]
fn a_caller_without_the_declaration_reaches_the_same_functions() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            let price: Option<u64> = scope.sync().call("shop.price", ("apple",))?;
            assert_eq!(price, Some(50));
            Ok(())
        })
        .unwrap();
    worker.register_interface(shop::functions(Counter));
    main.block_on(worker.ready()).unwrap();
}

#[test]
fn two_declarations_that_differ_are_noticed() {
    struct Other;
    impl other_shop::Service for Other {
        fn price(&self, article: u32) -> Result<Option<u64>, Thrown> {
            Ok(Some(article.into()))
        }
    }
    mod newer {
        coincide::interface! {
            pub mod other_shop {
                fn price(article: String) -> Option<u64>;
            }
        }
    }
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            let shop = newer::other_shop::Client::new(scope.sync());
            let error = shop.price("apple".into()).unwrap_err();
            assert!(matches!(error, CallError { kind: CallErrorKind::SchemaMismatch(_), .. }), "{error}");
            assert!(error.to_string().contains("other_shop.price"), "{error}");
            Ok(())
        })
        .unwrap();
    worker.register_interface(other_shop::functions(Other));
    main.block_on(worker.ready()).unwrap();
}
