//! Makes panics of the wasm trap at once, without a message: messages, and the code that formats them, take a tenth of the wasm. JavaScript
//! reports the trap. A debug build has the messages.

use walrus::ir::Value;
use walrus::{ConstExpr, DataKind, FunctionBuilder, FunctionKind, Module};

/// Replaces the functions with which panics begin and those of `Debug`, which only panics use, and erases where panics are in the source. Functions
/// are found by their names, so the module must still have these.
///
/// Returns false if a compiler of another version names them differently: then the module keeps texts, and works as well.
pub(super) fn mute(module: &mut Module) -> bool {
    let mut found = Vec::new();
    for function in module.funcs.iter() {
        let Some(name) = function.name.as_deref().map(plain) else { continue };
        let is_muted = BEGINNINGS.contains(&name.as_str()) || name.ends_with(DEBUG);
        if is_muted && matches!(function.kind, FunctionKind::Local(_)) {
            found.push((name, function.id(), function.ty()));
        }
    }
    // Every program has these functions.
    let has_all = ["core::panicking::panic_fmt", "core::panicking::panic"]
        .iter()
        .all(|needed| found.iter().any(|(name, ..)| name == needed));
    for (_, id, ty) in found {
        let (params, results) = module.types.params_results(ty);
        let (params, results) = (params.to_vec(), results.to_vec());
        let arguments = params.iter().map(|&param| module.locals.add(param)).collect();
        let mut trap = FunctionBuilder::new(&mut module.types, &params, &results);
        trap.func_body().unreachable();
        module.funcs.get_mut(id).kind = FunctionKind::Local(trap.local_func(arguments));
    }
    let mut erased = 0;
    let segments: Vec<_> = module.data.iter().map(|data| data.id()).collect();
    for segment in segments {
        let data = module.data.get_mut(segment);
        if let DataKind::Active { offset: ConstExpr::Value(Value::I32(start)), .. } = data.kind {
            erased += erase_locations(start as u32 as usize, &mut data.value);
        }
    }
    has_all && erased > 0
}

/// Zeroes each `core::panic::Location` in data that begins at the address `start`, with the names of files. Returns how many there were.
fn erase_locations(start: usize, data: &mut [u8]) -> usize {
    let word =
        |data: &[u8], at: usize| data.get(at..at + 4)?.try_into().ok().map(|word| u32::from_le_bytes(word) as usize);
    let mut files = Vec::new();
    let mut erased = 0;
    let aligned = start.next_multiple_of(4) - start;
    for at in (aligned..data.len()).step_by(4) {
        // Address and length of the file's name, line, column.
        let words = [0, 4, 8, 12].map(|offset| word(data, at + offset));
        let [Some(address), Some(len), Some(line), Some(column)] = words else { break };
        let Some(from) = address.checked_sub(start) else { continue };
        let Some(name) = data.get(from..from.saturating_add(len)) else { continue };
        let is_file = name.strip_suffix(&[0]).unwrap_or(name).ends_with(b".rs");
        if is_file && (1..1 << 20).contains(&line) && (1..1 << 12).contains(&column) {
            files.push(from..from + len);
            data[at..at + 16].fill(0);
            erased += 1;
        }
    }
    for file in files {
        data[file].fill(0);
    }
    erased
}

/// The path of a function: without the hashes that tell versions of crates and instances of functions apart.
fn plain(name: &str) -> String {
    let mut path = String::new();
    let mut depth = 0;
    for character in name.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ if depth == 0 => path.push(character),
            _ => {}
        }
    }
    match path.rfind("::h") {
        Some(at) if path.len() - at == 19 => path.truncate(at),
        _ => {}
    }
    path
}

/// Functions of the standard library that never return.
const BEGINNINGS: [&str; 16] = [
    "<alloc::vec::Vec<_, _>>::remove::assert_failed",
    "alloc::alloc::handle_alloc_error",
    "alloc::raw_vec::capacity_overflow",
    "alloc::raw_vec::handle_error",
    "core::cell::panic_already_borrowed",
    "core::cell::panic_already_mutably_borrowed",
    "core::option::expect_failed",
    "core::option::unwrap_failed",
    "core::panicking::assert_failed_inner",
    "core::panicking::panic",
    "core::panicking::panic_bounds_check",
    "core::panicking::panic_fmt",
    "core::result::unwrap_failed",
    "core::slice::index::slice_index_fail",
    "core::str::slice_error_fail",
    "std::thread::local::panic_access_error",
];

/// Endings of the names of functions that format for `Debug`.
const DEBUG: &str = " as core::fmt::Debug>::fmt";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_left_out_of_paths() {
        assert_eq!(plain("core[c5930c85a12de822]::panicking::panic_fmt"), "core::panicking::panic_fmt");
        assert_eq!(plain("core::panicking::panic_fmt::h12f2f4920f119327"), "core::panicking::panic_fmt");
        assert_eq!(plain("coincide_web::end::Host::add"), "coincide_web::end::Host::add");
    }

    #[test]
    fn locations_are_erased_and_other_data_is_kept() {
        let mut data = b"text a.rs\0..".to_vec();
        let mut wanted = b"text \0\0\0\0\0..".to_vec();
        for (words, is_location) in [([1029, 5, 7, 9], true), ([1024, 4, 7, 9], false), ([1029, 5, 0, 9], false)] {
            for word in words {
                data.extend(u32::to_le_bytes(word));
                wanted.extend(u32::to_le_bytes(if is_location { 0 } else { word }));
            }
        }
        assert_eq!(erase_locations(1024, &mut data), 1);
        assert_eq!(data, wanted);
    }
}
