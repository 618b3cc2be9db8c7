//! Typed interfaces: one declaration generates a client and a service.

use super::functions::Function;
use super::payload::Schema;
use super::thrown::Thrown;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The proxy of a generated client: [`SyncProxy`](crate::SyncProxy) where calls block, [`Proxy`](crate::Proxy) where they are awaited.
pub trait Caller {
    /// Return value of a call: a `Result` if calls block, otherwise a future of one.
    type Output<R: DeserializeOwned>;

    /// Calls a function of a typed interface.
    #[doc(hidden)]
    fn call_typed<A: Serialize, R: DeserializeOwned>(&self, function: &str, schema: Schema, args: A)
    -> Self::Output<R>;
}

/// The functions of a typed interface, bound to a service. For [`Worker::register_interface`](crate::Worker::register_interface) and
/// [`Scope::export_interface`](crate::Scope::export_interface).
#[must_use = "register it with a worker, or export it"]
pub struct Interface {
    pub(crate) functions: Vec<(&'static str, Function)>,
}

impl Interface {
    #[doc(hidden)]
    pub fn new() -> Self {
        Self { functions: Vec::new() }
    }

    #[doc(hidden)]
    pub fn insert<A, T>(
        &mut self,
        name: &'static str,
        schema: fn() -> Schema,
        function: impl Fn(A) -> Result<T, Thrown> + 'static,
    ) where
        A: DeserializeOwned,
        T: Serialize,
    {
        self.functions.push((name, Function::typed(schema, function)));
    }

    #[doc(hidden)]
    pub fn insert_async<A, T, F>(
        &mut self,
        name: &'static str,
        schema: fn() -> Schema,
        function: impl Fn(A) -> F + 'static,
    ) where
        A: DeserializeOwned,
        T: Serialize + 'static,
        F: Future<Output = Result<T, Thrown>> + 'static,
    {
        self.functions.push((name, Function::typed_async(schema, function)));
    }
}

impl Default for Interface {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.functions.iter().map(|(name, _)| name)).finish()
    }
}

/// Declares a typed interface once; both ends of a link use it.
///
/// `interface! { pub mod greeter { fn hello(name: String) -> String; } }` generates a module `greeter` with
/// - the trait `Service`, which the serving end implements. Each function becomes a method that returns `Result<_, Thrown>`. A function that
///   is declared `async fn` takes `self: Rc<Self>` and may await.
/// - `functions(service)`, the [`Interface`] to register on main or to export from a worker.
/// - `Client`, with a method for each function. Over a [`SyncProxy`](crate::SyncProxy), methods block and return a `Result`. Over a
///   [`Proxy`](crate::Proxy) or a [`SharedProxy`](crate::SharedProxy), methods return a future.
///
/// Arguments and results are encoded with postcard. A hash of their types is sent with them. If the ends were built from different
/// declarations, calls fail with [`CallErrorKind::SchemaMismatch`](crate::CallErrorKind::SchemaMismatch). Each type implements serde's
/// `Serialize` and `DeserializeOwned`. A caller without the declaration calls the same functions as `module.function`.
///
/// Arguments and results may contain [`RemoteFunction`](crate::RemoteFunction)s and [`RemoteStream`](crate::RemoteStream)s. Their owner converts a
/// [`Callback`](crate::Callback) or a [`Source`](crate::Source) by `into()`. Such arguments and results are encoded in the self-describing format, in
/// which a type mismatch is detected from the values instead of the schema hash.
///
/// ```
/// use coincide::{Main, Thrown, interface};
///
/// interface! {
///     /// Functions of main.
///     mod bank {
///         /// Adds to the balance and returns the new one.
///         fn deposit(cents: u64) -> u64;
///     }
/// }
///
/// #[derive(Default)]
/// struct Account(std::cell::Cell<u64>);
///
/// impl bank::Service for Account {
///     fn deposit(&self, cents: u64) -> Result<u64, Thrown> {
///         self.0.set(self.0.get().checked_add(cents).ok_or_else(|| Thrown::new("RangeError", "too rich"))?);
///         Ok(self.0.get())
///     }
/// }
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     let bank = bank::Client::new(scope.sync());
///     assert_eq!(bank.deposit(20)?, 20);
///     assert_eq!(bank.deposit(22)?, 42);
///     Ok(())
/// })?;
/// worker.register_interface(bank::functions(Account::default()));
/// main.block_on(worker.ready())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! interface {
    ($(#[$meta:meta])* $visibility:vis mod $module:ident { $($body:tt)* }) => {
        $(#[$meta])*
        $visibility mod $module {
            #[allow(unused_imports)]
            use super::*;

            $crate::__interface! { @service [] $($body)* }

            /// The functions of this interface, bound to `service`.
            #[allow(dead_code)]
            pub fn functions<S: Service>(service: S) -> $crate::Interface {
                #[allow(unused_variables)]
                let service = ::std::rc::Rc::new(service);
                #[allow(unused_mut)]
                let mut interface = $crate::Interface::new();
                $crate::__interface! { @functions $module service interface $($body)* }
                interface
            }

            /// Calls the functions of this interface.
            #[allow(dead_code)]
            #[derive(Clone, Debug)]
            pub struct Client<C> {
                caller: C,
            }

            #[allow(dead_code)]
            impl<C: $crate::Caller> Client<C> {
                /// A client that calls through `caller`: [`SyncProxy`]($crate::SyncProxy) in a worker, [`Proxy`]($crate::Proxy) on both ends.
                pub fn new(caller: C) -> Self {
                    Self { caller }
                }

                $crate::__interface! { @client $module $($body)* }
            }
        }
    };
    ($(#[$meta:meta])* $visibility:vis trait $($rest:tt)*) => {
        ::core::compile_error!("an interface is a module: write `mod name { fn function(argument: Type) -> Type; }`");
    };
    ($($rest:tt)*) => {
        ::core::compile_error!("expected `mod name { fn function(argument: Type) -> Type; ... }`");
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __interface {
    // The trait that the serving end implements: methods are collected in brackets.
    (@service [$($methods:tt)*]) => {
        /// Serves the functions of this interface.
        pub trait Service: 'static {
            $($methods)*
        }
    };
    (@service [$($methods:tt)*] $(#[$meta:meta])* async fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?; $($rest:tt)*) => {
        $crate::__interface! { @service [$($methods)*
            $(#[$meta])*
            fn $name(self: ::std::rc::Rc<Self>, $($argument: $type),*)
            -> impl ::core::future::Future<Output = ::core::result::Result<$crate::__interface!(@result $($result)?), $crate::Thrown>> + 'static;
        ] $($rest)* }
    };
    (@service [$($methods:tt)*] $(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?; $($rest:tt)*) => {
        $crate::__interface! { @service [$($methods)*
            $(#[$meta])*
            fn $name(&self, $($argument: $type),*)
            -> ::core::result::Result<$crate::__interface!(@result $($result)?), $crate::Thrown>;
        ] $($rest)* }
    };
    (@service [$($methods:tt)*] $(#[$meta:meta])* $(async)? fn $name:ident<$($rest:tt)*) => {
        ::core::compile_error!(::core::concat!("`", ::core::stringify!($name), "` is generic: functions of an interface have one type each, since both ends have to know it"));
    };
    (@service [$($methods:tt)*] $(#[$meta:meta])* $(async)? fn $name:ident($(&)? $(mut)? self $($arguments:tt)*) $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!("`", ::core::stringify!($name), "` takes `self`: leave it out, the trait `Service` adds it"));
    };
    (@service [$($methods:tt)*] $(#[$meta:meta])* $(async)? fn $name:ident($($arguments:tt)*) $(-> $result:ty)? { $($block:tt)* } $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!("`", ::core::stringify!($name), "` has a body: end the declaration with `;` and implement it in the trait `Service`"));
    };
    (@service [$($methods:tt)*] $(#[$meta:meta])* pub $($rest:tt)*) => {
        ::core::compile_error!("functions of an interface are public: leave out `pub`");
    };
    (@service [$($methods:tt)*] $($rest:tt)*) => {
        ::core::compile_error!("expected functions such as `fn name(argument: Type) -> Type;` or `async fn name();`");
    };

    // Binds each function to the service. Errors have been reported above, so that the last arm is silent.
    (@functions $module:ident $service:ident $interface:ident) => {};
    (@functions $module:ident $service:ident $interface:ident $(#[$meta:meta])* async fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?; $($rest:tt)*) => {
        let bound = ::std::rc::Rc::clone(&$service);
        $interface.insert_async(
            $crate::__interface!(@name $module $name),
            || $crate::__interface!(@schema ($($type,)*) $($result)?),
            move |($($argument,)*): ($($type,)*)| ::std::rc::Rc::clone(&bound).$name($($argument),*),
        );
        $crate::__interface! { @functions $module $service $interface $($rest)* }
    };
    (@functions $module:ident $service:ident $interface:ident $(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?; $($rest:tt)*) => {
        let bound = ::std::rc::Rc::clone(&$service);
        $interface.insert(
            $crate::__interface!(@name $module $name),
            || $crate::__interface!(@schema ($($type,)*) $($result)?),
            move |($($argument,)*): ($($type,)*)| bound.$name($($argument),*),
        );
        $crate::__interface! { @functions $module $service $interface $($rest)* }
    };
    (@functions $($rest:tt)*) => {};

    // A method of the client for each function.
    (@client $module:ident) => {};
    (@client $module:ident $(#[$meta:meta])* $(async)? fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?; $($rest:tt)*) => {
        $(#[$meta])*
        pub fn $name(&self, $($argument: $type),*) -> C::Output<$crate::__interface!(@result $($result)?)> {
            self.caller.call_typed(
                $crate::__interface!(@name $module $name),
                $crate::__interface!(@schema ($($type,)*) $($result)?),
                ($($argument,)*),
            )
        }
        $crate::__interface! { @client $module $($rest)* }
    };
    (@client $($rest:tt)*) => {};

    (@result) => { () };
    (@result $result:ty) => { $result };
    (@name $module:ident $name:ident) => {
        ::core::concat!(::core::stringify!($module), ".", ::core::stringify!($name))
    };
    // The hash of the types of one function, computed once.
    (@schema ($($type:ty,)*) $($result:ty)?) => {{
        static SCHEMA: ::std::sync::OnceLock<$crate::Schema> = ::std::sync::OnceLock::new();
        *SCHEMA.get_or_init($crate::Schema::of::<($($type,)*), $crate::__interface!(@result $($result)?)>)
    }};
}
