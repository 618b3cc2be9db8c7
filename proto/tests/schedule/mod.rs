//! Parts of random schedules: of sessions and of engines.

use coincide_proto::Role;
use proptest::prelude::*;

/// How a schedule ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    None,
    Close(Role),
    Abort(Role),
    Gone,
}

pub(crate) fn role() -> impl Strategy<Value = Role> {
    any::<bool>().prop_map(|main| if main { Role::Main } else { Role::Worker })
}

pub(crate) fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![Just(Ending::None), role().prop_map(Ending::Close), role().prop_map(Ending::Abort), Just(Ending::Gone)]
}
