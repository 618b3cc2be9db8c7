//! Without the feature `suspending`, no worker has this tier.

use super::Boot;
use crate::main::{Worker, WorkerBuilder};
use crate::{Scope, SpawnError, Thrown};
use std::io;
use wasm_bindgen::JsValue;

pub(super) fn why_not() -> Option<String> {
    Some(WHY.into())
}

pub(super) fn connect(_: WorkerBuilder<'_>, _: &JsValue) -> Result<Worker, SpawnError> {
    Err(SpawnError::NoTier(WHY.into()))
}

pub(super) fn serve(_: &Boot, _: impl FnOnce(&Scope) -> Result<(), Thrown> + 'static) -> io::Result<()> {
    Err(io::Error::other(WHY))
}

const WHY: &str = "the program was compiled without the feature `suspending` of the crate `coincide`";
