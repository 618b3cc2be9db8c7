//! Typed interfaces.

use coincide::{
    ByteBuf, CallError, CallErrorKind, Callback, Interface, Main, Proxy, RemoteFunction, RemoteStream, Scope, Source,
    Thrown, Worker, interface,
};
use futures_util::StreamExt;
use std::rc::Rc;

interface! {
    /// Functions of a shop.
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

interface! {
    /// Functions and streams in all places.
    mod passing {
        async fn apply(function: RemoteFunction, number: u32) -> u32;
        async fn optional(number: u32, function: Option<RemoteFunction>) -> u32;
        async fn all(functions: Vec<(String, RemoteFunction)>) -> Vec<u32>;
        fn adder(first: u32) -> RemoteFunction;
        async fn later(first: u32) -> Option<RemoteFunction>;
        fn squares(below: u32) -> RemoteStream<u32>;
        async fn sum(rows: RemoteStream<u32>) -> u32;
        fn own(function: RemoteFunction) -> RemoteFunction;
    }
}

/// The result of an order.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Receipt {
    /// In cents.
    pub total: u64,
    /// The kind of delivery.
    pub delivery: Delivery,
}

/// The kind of delivery.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Delivery {
    /// Within a week.
    Normal,
    /// On the next day.
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

/// Starts a worker that exports an interface.
fn serving(main: &Main, interface: impl FnOnce() -> Interface + Send + 'static) -> Worker {
    let setup = |scope: &Scope| {
        scope.export_interface(interface());
        Ok(())
    };
    main.spawn(setup).unwrap()
}

/// Runs `client` in a worker whose main serves an interface.
fn served_by_main(interface: Interface, client: impl FnOnce(&Scope) -> Result<(), Thrown> + Send + 'static) {
    let main = Main::new().unwrap();
    let worker = main.spawn(client).unwrap();
    worker.register_interface(interface);
    main.block_on(worker.ready()).unwrap();
}

#[test]
fn worker_calls_interface_of_main() {
    served_by_main(shop::functions(Counter), |scope| {
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
    });
}

#[test]
fn main_calls_interface_of_worker() {
    let main = Main::new().unwrap();
    let worker = serving(&main, || shop::functions(Counter));
    main.block_on(async {
        let shop = shop::Client::new(worker.proxy());
        assert_eq!(shop.price("apple".into()).await, Ok(Some(50)));
        assert_eq!(shop.wait(7).await, Ok(7));
    });
}

#[test]
fn untyped_call_reaches_function_of_interface() {
    served_by_main(shop::functions(Counter), |scope| {
        let price: Option<u64> = scope.sync().call("shop.price", ("apple",))?;
        assert_eq!(price, Some(50));
        Ok(())
    });
}

#[test]
fn different_declarations_fail_with_schema_mismatch() {
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
    served_by_main(other_shop::functions(Other), |scope| {
        let shop = newer::other_shop::Client::new(scope.sync());
        let error = shop.price("apple".into()).unwrap_err();
        assert!(matches!(error, CallError { kind: CallErrorKind::SchemaMismatch(_), .. }), "{error}");
        assert!(error.to_string().contains("other_shop.price"), "{error}");
        Ok(())
    });
}

struct Passing;

async fn applied(function: RemoteFunction, number: u32) -> Result<u32, Thrown> {
    function.call((number,)).await.map_err(CallError::into_thrown)
}

impl passing::Service for Passing {
    async fn apply(self: Rc<Self>, function: RemoteFunction, number: u32) -> Result<u32, Thrown> {
        applied(function, number).await
    }

    async fn optional(self: Rc<Self>, number: u32, function: Option<RemoteFunction>) -> Result<u32, Thrown> {
        match function {
            Some(function) => applied(function, number).await,
            None => Ok(number),
        }
    }

    async fn all(self: Rc<Self>, functions: Vec<(String, RemoteFunction)>) -> Result<Vec<u32>, Thrown> {
        let mut all = Vec::new();
        for (name, function) in functions {
            all.push(applied(function, name.len() as u32).await?);
        }
        Ok(all)
    }

    fn adder(&self, first: u32) -> Result<RemoteFunction, Thrown> {
        Ok(Callback::new(move |second: u32| first + second).into())
    }

    async fn later(self: Rc<Self>, first: u32) -> Result<Option<RemoteFunction>, Thrown> {
        Ok((first > 0).then(|| Callback::new(move |second: u32| first * second).into()))
    }

    fn squares(&self, below: u32) -> Result<RemoteStream<u32>, Thrown> {
        Ok(Source::new((0..below).map(|number| number * number)).into())
    }

    async fn sum(self: Rc<Self>, mut rows: RemoteStream<u32>) -> Result<u32, Thrown> {
        let mut sum = 0;
        while let Some(row) = rows.next().await {
            sum += row.map_err(CallError::into_thrown)?;
        }
        Ok(sum)
    }

    fn own(&self, function: RemoteFunction) -> Result<RemoteFunction, Thrown> {
        Ok(function)
    }
}

fn double() -> RemoteFunction {
    Callback::new(|number: u32| number * 2).into()
}

#[test]
fn functions_and_streams_pass_in_both_directions() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            scope.export_interface(passing::functions(Passing));
            let passing = passing::Client::new(scope.sync());
            scope.export("use", move || {
                assert_eq!(passing.apply(double(), 21)?, 42);
                assert_eq!(passing.optional(3, Some(double()))?, 6);
                assert_eq!(passing.optional(3, None)?, 3);
                assert_eq!(passing.all(vec![("a".into(), double()), ("abc".into(), double())])?, [2, 6]);
                assert_eq!(passing.adder(40)?.call_blocking::<u32>((2,))?, 42);
                assert_eq!(passing.later(6)?.expect("a function").call_blocking::<u32>((7,))?, 42);
                assert!(passing.later(0)?.is_none());
                let squares: Result<Vec<u32>, CallError> = passing.squares(4)?.into_blocking().collect();
                assert_eq!(squares?, [0, 1, 4, 9]);
                assert_eq!(passing.sum(Source::new(0..30_u32).into())?, 435);
                Ok::<(), Thrown>(())
            });
            Ok(())
        })
        .unwrap();
    worker.register_interface(passing::functions(Passing));
    main.block_on(async {
        worker.proxy().call::<()>("use", ()).await.unwrap();
        let passing = passing::Client::new(worker.proxy());
        assert_eq!(passing.apply(double(), 21).await, Ok(42));
        assert_eq!(passing.optional(3, Some(double())).await, Ok(6));
        assert_eq!(passing.optional(3, None).await, Ok(3));
        assert_eq!(passing.all(vec![("a".into(), double()), ("abc".into(), double())]).await, Ok(vec![2, 6]));
        assert_eq!(passing.adder(40).await.unwrap().call::<u32>((2,)).await, Ok(42));
        assert_eq!(passing.later(6).await.unwrap().expect("a function").call::<u32>((7,)).await, Ok(42));
        let squares: Vec<_> = passing.squares(4).await.unwrap().collect().await;
        assert_eq!(squares, [Ok(0), Ok(1), Ok(4), Ok(9)]);
        assert_eq!(passing.sum(Source::new(0..30_u32).into()).await, Ok(435));
        // A function that is sent back is the caller's own, which the client cannot call.
        let error = passing.own(double()).await.unwrap_err();
        assert!(error.to_string().ends_with("expected a function of the other end, got one of this end"), "{error}");
        // A caller without the declaration.
        let proxy: Proxy = worker.proxy();
        assert_eq!(proxy.call::<u32>("passing.apply", (double(), 4)).await, Ok(8));
    });
}

#[test]
fn local_functions_and_streams_refuse_local_use() {
    let main = Main::new().unwrap();
    let error = main.block_on(double().call::<u32>((1,))).unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Local);
    assert_eq!(double().call_blocking::<u32>((1,)), Err(error));
    let mut rows: RemoteStream<u32> = Source::new(0..3_u32).into();
    let error = main.block_on(rows.next()).expect("an error").unwrap_err();
    assert_eq!((&*error.function, &error.kind), ("a stream", &CallErrorKind::Local));
    assert!(main.block_on(rows.next()).is_none());
}

#[test]
fn functions_through_shared_proxies_are_refused() {
    let main = Main::new().unwrap();
    let worker = serving(&main, || passing::functions(Passing));
    let passing = passing::Client::new(worker.shared_proxy());
    assert_eq!(main.block_on(passing.optional(3, None)), Ok(3));
    let why = "functions and streams belong to the thread of their link";
    let error = main.block_on(passing.apply(double(), 3)).unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::Arguments(_)) && error.to_string().contains(why), "{error}");
    let error = main.block_on(passing.adder(3)).unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::Result(_)) && error.to_string().contains(why), "{error}");
}

#[test]
fn different_declarations_with_functions_fail() {
    let main = Main::new().unwrap();
    let worker = serving(&main, || passing::functions(Passing));
    mod newer {
        use super::*;
        coincide::interface! {
            pub mod passing {
                async fn optional(number: String, function: Option<RemoteFunction>) -> u32;
                async fn apply(function: RemoteFunction, number: String) -> u32;
                fn adder(first: u32) -> RemoteStream<u32>;
            }
        }
    }
    let passing = newer::passing::Client::new(worker.proxy());
    main.block_on(async {
        // Without a function, the hash differs. With one, the value does.
        let error = passing.optional("3".into(), None).await.unwrap_err();
        assert!(matches!(error.kind, CallErrorKind::SchemaMismatch(_)), "{error}");
        for error in [
            passing.optional("3".into(), Some(double())).await.unwrap_err(),
            passing.apply(double(), "3".into()).await.unwrap_err(),
        ] {
            assert!(matches!(error.kind, CallErrorKind::BadArguments(_)), "{error}");
        }
        let error = passing.adder(3).await.unwrap_err();
        assert!(matches!(error.kind, CallErrorKind::Result(_)), "{error}");
    });
}
