//! JavaScript functions that the other end calls.

use coincide::ErrorCode;
use coincide::raw::{Failure, Format, RawReply};
use wasm_bindgen::prelude::*;

use crate::{later, scratch};

#[wasm_bindgen]
extern "C" {
    /// A function of the program, in the form of `served.js`. It catches whatever the program throws.
    pub type Served;
    /// Decodes the arguments, calls the function and encodes what it returns or throws into scratch memory. Writes the offset and the
    /// length there to `place` and returns a status. For [`LATER`], `answer` receives them with the token.
    #[wasm_bindgen(method)]
    fn serve(this: &Served, arguments: *const u8, len: usize, place: *mut u32, token: u32) -> u32;
}

/// Serves calls with a function.
pub(crate) fn serve(function: Served) -> impl Fn(Format, &[u8], &mut Vec<u8>) -> Result<RawReply, Failure> + 'static {
    move |format, arguments, result| {
        if format != Format::Value {
            let text = format!("a JavaScript function takes values, not {format:?}: call it by its name");
            return Err(Failure::Refused(ErrorCode::BAD_ARGUMENTS, text));
        }
        let token = later::token();
        let mut place = [0; 2];
        let status = function.serve(arguments.as_ptr(), arguments.len(), place.as_mut_ptr(), token);
        if status == LATER {
            return Ok(RawReply::Later(Box::pin(later::answer_to(token))));
        }
        let mut taken = answered(status, place[0] as usize, place[1] as usize)?;
        std::mem::swap(result, &mut taken);
        scratch::give_back(taken);
        Ok(RawReply::Now(Format::Value))
    }
}

/// The result of a function, whose bytes are at an offset of the scratch memory.
pub(crate) fn answered(status: u32, at: usize, len: usize) -> Result<Vec<u8>, Failure> {
    let too_large = || Failure::Refused(ErrorCode::OUT_OF_MEMORY, scratch::TOO_LARGE.into());
    let bytes = scratch::take(at, len).ok_or_else(too_large)?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    match status {
        RETURNED => Ok(bytes),
        THREW => Err(Failure::Threw(bytes)),
        BAD_ARGUMENTS => Err(Failure::Refused(ErrorCode::BAD_ARGUMENTS, text(bytes))),
        OUT_OF_MEMORY => Err(Failure::Refused(ErrorCode::OUT_OF_MEMORY, text(bytes))),
        BAD_RESULT => Err(Failure::Refused(ErrorCode::BAD_RESULT, text(bytes))),
        _ => Err(Failure::Refused(ErrorCode::BAD_RESULT, "too little of the stack is left to serve the call".into())),
    }
}

// `served.js` has the same list, and one more that stands for no room on the stack.
const RETURNED: u32 = 0;
const THREW: u32 = 1;
const BAD_ARGUMENTS: u32 = 2;
const BAD_RESULT: u32 = 3;
const LATER: u32 = 4;
const OUT_OF_MEMORY: u32 = 5;
