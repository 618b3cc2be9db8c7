//! Thrown errors.

use coincide_codec::Value;
use coincide_codec::value::Writer;
use coincide_proto::Format;
use std::fmt;

/// A thrown value: an error with a class, a message and a stack, or any other value.
///
/// Every type that implements [`std::error::Error`] converts to it with `?`. The name of the type becomes the class, and the stack lists the
/// errors that caused it. `Thrown` itself does not implement that trait, because the two conversions would conflict.
///
/// ```
/// use coincide::{Main, Thrown};
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     scope.export("parse", |text: String| Ok::<i32, Thrown>(text.parse()?));
///     scope.export("limit", |number: u32| {
///         if number > 9 { Err(Thrown::new("RangeError", "above 9")) } else { Ok(number) }
///     });
///     Ok(())
/// })?;
/// let proxy = worker.proxy();
/// let error = main.block_on(proxy.call::<i32>("parse", ("x",))).unwrap_err();
/// assert_eq!(error.thrown().map(|thrown| &*thrown.class), Some("ParseIntError"));
/// let error = main.block_on(proxy.call::<u32>("limit", (10,))).unwrap_err();
/// assert_eq!(error.to_string(), "`limit` threw RangeError: above 9");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Thrown {
    /// The class of the error, such as `TypeError`; empty if the thrown value is not an error.
    pub class: String,
    /// The message of the error, or a description of another value.
    pub message: String,
    /// The stack trace, in the format of the runtime that threw it; may be empty.
    pub stack: String,
    /// The complete value, if the other fields do not describe it: it has further properties or a cause, or it is not an error.
    pub value: Option<Box<Value>>,
}

impl Thrown {
    /// Creates an error of this class with this message.
    pub fn new(class: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class: class.into(), message: message.into(), stack: String::new(), value: None }
    }

    pub(crate) fn from_payload(payload: &[u8]) -> Self {
        match Value::decode(payload) {
            Ok(value) => Self::from_value(value),
            Err(error) => Self::new("", format!("something that cannot be read: {error}")),
        }
    }

    /// An error from the text of an end that refused a call, or of a peer that does not throw values.
    pub(crate) fn from_text(format: Format, payload: &[u8]) -> Self {
        match format {
            Format::Text => Self::new("", String::from_utf8_lossy(payload)),
            _ => Self::new("", format!("{} bytes in an unexpected format", payload.len())),
        }
    }

    /// Appends what was thrown, as an error value.
    pub(crate) fn encode(&self, buffer: &mut Vec<u8>) {
        let own = self.value.as_deref();
        if own.is_some_and(|value| value.encode(buffer).is_ok()) {
            return;
        }
        let before = buffer.len();
        let class = if self.class.is_empty() { "Error" } else { &self.class };
        for (message, stack) in [(&*self.message, &*self.stack), ("there is no memory for its message", "")] {
            buffer.truncate(before);
            let mut writer = Writer::new(buffer);
            writer.error(false, 0);
            writer.str(class);
            writer.str(message);
            writer.str(stack);
            if writer.finish().is_ok() {
                return;
            }
        }
    }

    pub(crate) fn from_value(value: Value) -> Self {
        let Value::Error(error) = value else {
            let message = value.as_str().map_or_else(|| format!("{value:?}"), str::to_owned);
            return Self { value: Some(Box::new(value)), ..Self::new("", message) };
        };
        let mut thrown = Self::new(error.class.to_string(), error.message.to_string());
        thrown.stack = error.stack.to_string();
        if error.cause.is_some() || !error.properties.is_empty() {
            thrown.value = Some(Box::new(Value::Error(error)));
        }
        thrown
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.class.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.class, self.message) }
    }
}

impl<E: std::error::Error> From<E> for Thrown {
    fn from(error: E) -> Self {
        let name = std::any::type_name::<E>();
        let name = name.split('<').next().unwrap_or(name);
        let mut thrown = Self::new(name.rsplit("::").next().unwrap_or(name), error.to_string());
        let mut cause = error.source();
        while let Some(source) = cause {
            thrown.stack += &format!("caused by: {source}\n");
            cause = source.source();
        }
        thrown
    }
}
