//! The painter and its studio.

use coincide::{CallError, CallErrorKind};
use js_sys::{Function, Object, Reflect};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

use super::{Checked, equal, failure};
use crate::interfaces::View;
use crate::mandelbrot::{self, SIZE};
use crate::studio::{Canvas, Studio};

pub(super) async fn paints() -> Checked {
    let (studio, canvas) = studio()?;
    let painting = studio.picture(None).await?;
    equal(canvas.size.get(), SIZE)?;
    equal(painting.rows, SIZE.1)?;
    let rows = canvas.rows.borrow();
    let numbers: Vec<u32> = rows.iter().map(|(number, _)| *number).collect();
    equal(numbers, (0..SIZE.1).collect())?;
    // Main paints a row itself, with colours that encode the number of steps of each point.
    let view = View { x: -0.6, y: 0.0, width: 3.2, palette: String::new() };
    let black = |pixels: &[u8]| pixels.chunks(4).map(|pixel| pixel[..3] == [0; 3]).collect::<Vec<_>>();
    let (expected, _) = mandelbrot::row(&view, SIZE.1 / 3, &[[255; 3]]);
    equal(black(&rows[SIZE.1 as usize / 3].1), black(&expected))
}

pub(super) async fn class() -> Checked {
    let (studio, _) = studio()?;
    studio.look_at(0.0, 0.0, 1e-20);
    thrown(studio.picture(None).await, "RangeError")
}

pub(super) async fn missing_palette() -> Checked {
    let (studio, _) = studio()?;
    studio.take("none".into());
    thrown(studio.picture(None).await, "NotFoundError")?;
    studio.take("tide".into());
    equal(studio.picture(None).await?.rows, SIZE.1)
}

pub(super) async fn interrupted() -> Checked {
    let (studio, canvas) = studio()?;
    let worker = studio.worker().clone();
    canvas.on_row.replace(Some(Box::new(move |row| {
        if row == 10 {
            worker.interrupt();
        }
    })));
    let painting = studio.picture(None).await?;
    equal((10..SIZE.1).contains(&painting.rows), true)?;
    canvas.on_row.take();
    equal(studio.picture(None).await?.rows, SIZE.1)
}

pub(super) async fn late() -> Checked {
    let (studio, canvas) = studio()?;
    studio.worker().ready().await?;
    // A deadline that has passed when it is set.
    match failure(studio.picture(Some(0.0)).await)? {
        CallError { kind: CallErrorKind::TimedOut, .. } => {}
        other => return Err(other.into()),
    }
    let painting = studio.picture(None).await?;
    equal(painting.rows, SIZE.1)?;
    let rows = canvas.rows.borrow();
    equal(rows.last().map(|(number, _)| *number), Some(SIZE.1 - 1))
}

fn thrown<T: std::fmt::Debug>(result: Result<T, CallError>, class: &str) -> Checked {
    let error = failure(result)?;
    equal(error.thrown().map(|thrown| &*thrown.class), Some(class))
}

/// A canvas that records its rows.
#[derive(Default)]
struct Seen {
    size: Cell<(u32, u32)>,
    rows: RefCell<Vec<(u32, Vec<u8>)>>,
    on_row: RefCell<Option<OnRow>>,
}

type OnRow = Box<dyn Fn(u32)>;

fn studio() -> Result<(Studio, Rc<Seen>), Box<dyn std::error::Error>> {
    let seen = Rc::new(Seen::default());
    let canvas = Object::new();
    let set = |name: &str, function: JsValue| {
        let function: Function = function.unchecked_into();
        Reflect::set(&canvas, &name.into(), &function).map(drop).map_err(|error| format!("{error:?}"))
    };
    let sizes = Rc::clone(&seen);
    let resize = move |width, height| sizes.size.set((width, height));
    set("resize", Closure::<dyn Fn(u32, u32)>::new(resize).into_js_value())?;
    let rows = Rc::clone(&seen);
    let show = move |row, pixels| {
        rows.rows.borrow_mut().push((row, pixels));
        if let Some(on_row) = &*rows.on_row.borrow() {
            on_row(row);
        }
    };
    set("show", Closure::<dyn Fn(u32, Vec<u8>)>::new(show).into_js_value())?;
    let studio = Studio::new("./tests/worker.js", canvas.unchecked_into::<Canvas>());
    Ok((studio.map_err(|error| format!("{:?}", JsValue::from(error)))?, seen))
}
