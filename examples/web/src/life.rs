//! A page without JavaScript of its own: its worker builds the elements, listens to events and changes the page. The worker computes, so the page stays responsive.

use coincide::window::{Callback, Path, Remote, Root};
use coincide::{CallError, Main, Scope, Thrown, serve_script};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// Called by the page. Resolves when its worker has built the page.
#[wasm_bindgen(js_name = lifePage)]
pub async fn page() -> Result<(), JsError> {
    let main = Main::new()?;
    wasm_bindgen_futures::spawn_local(main.run());
    let worker = main.worker().name("life").spawn_script("./workers/life.js")?;
    worker.share_window(Root::global());
    worker.ready().await?;
    // The worker ends with its main, which exists as long as the page.
    std::mem::forget(main);
    Ok(())
}

/// Called by the worker's script.
#[wasm_bindgen(js_name = lifeWorker)]
pub fn worker(boot: &JsValue) -> Result<(), JsError> {
    Ok(serve_script(boot, |scope| Ok(Life::begin(scope)?))?)
}

/// Conway's Game of Life on a board in the page.
struct Life {
    window: Remote,
    /// Whether each cell is alive, row by row. The edges of the board are joined.
    cells: RefCell<Vec<bool>>,
    boxes: Vec<Remote>,
    count: Remote,
    generation: Cell<u32>,
    timer: Cell<Option<f64>>,
}

impl Life {
    /// Builds the page and adds listeners.
    fn begin(scope: &Scope) -> Result<(), CallError> {
        let window = scope.window();
        let document = window.get("document")?.resolve()?;
        let create = |name: &str| document.call::<Remote>("createElement", (name,));
        let (title, count, board) = (create("h1")?, create("p")?, create("div")?);
        title.set("textContent", "A page that its worker makes")?;
        board.assign(Element { id: "board", class_name: "board" })?;
        count.set("id", "count")?;

        let mut boxes = Vec::with_capacity(WIDTH * HEIGHT);
        for index in 0..WIDTH * HEIGHT {
            let cell = create("i")?;
            cell.get("dataset")?.set("index", index)?;
            boxes.push(cell);
        }
        // All cells in one trip.
        let mut batch = window.batch();
        for cell in &boxes {
            batch.run(&board, "append", (cell,))?;
        }
        batch.send()?;

        let life = Rc::new(Self {
            window: window.clone(),
            cells: RefCell::new(vec![false; WIDTH * HEIGHT]),
            boxes,
            count: count.clone(),
            generation: Cell::new(0),
            timer: Cell::new(None),
        });
        let toggled = Rc::clone(&life);
        let toggle = Callback::new(move |event: Remote| toggled.toggle(&event).map_err(Thrown::from));
        board.run("addEventListener", ("click", toggle))?;
        let body = document.get("body")?.resolve()?;
        body.run("append", (&title, &board, &count))?;
        for (name, action) in [("step", Self::step as Action), ("run", Self::run), ("clear", Self::clear)] {
            let (button, acting) = (create("button")?, Rc::clone(&life));
            button.assign(Element { id: name, class_name: "" })?;
            button.set("textContent", name)?;
            let act = Callback::new(move || action(&acting).map_err(Thrown::from));
            button.run("addEventListener", ("click", act))?;
            body.run("append", (button,))?;
        }
        life.show(|cells| {
            for index in GLIDER {
                cells[index] = true;
            }
        })
    }

    /// Handles a click on the board: toggles the cell.
    fn toggle(&self, event: &Path) -> Result<(), CallError> {
        let index: Option<String> = event.get("target")?.get("dataset")?.get("index")?.read()?;
        match index.and_then(|index| index.parse::<usize>().ok()) {
            Some(index) if index < WIDTH * HEIGHT => self.show(|cells| cells[index] = !cells[index]),
            // The click is between two cells.
            _ => Ok(()),
        }
    }

    fn step(self: &Rc<Self>) -> Result<(), CallError> {
        self.generation.set(self.generation.get() + 1);
        self.show(|cells| *cells = next(cells))
    }

    fn clear(self: &Rc<Self>) -> Result<(), CallError> {
        self.generation.set(0);
        self.show(|cells| cells.fill(false))
    }

    /// Starts or stops a timer of the page.
    fn run(self: &Rc<Self>) -> Result<(), CallError> {
        if let Some(timer) = self.timer.take() {
            return self.window.run("clearInterval", (timer,));
        }
        let stepping = Rc::clone(self);
        let step = Callback::new(move || stepping.step().map_err(Thrown::from));
        self.timer.set(Some(self.window.call("setInterval", (step, 100))?));
        Ok(())
    }

    /// Changes cells, and shows the changes on the page in one trip.
    fn show(&self, change: impl FnOnce(&mut Vec<bool>)) -> Result<(), CallError> {
        let before = self.cells.borrow().clone();
        let mut cells = self.cells.borrow_mut();
        change(&mut cells);
        let mut batch = self.window.batch();
        for (index, cell) in self.boxes.iter().enumerate().filter(|(index, _)| before[*index] != cells[*index]) {
            batch.set(cell, "className", if cells[index] { "alive" } else { "" })?;
        }
        let alive = cells.iter().filter(|cell| **cell).count();
        batch.set(&self.count, "textContent", format!("generation {}, {alive} alive", self.generation.get()))?;
        drop(cells);
        batch.send()
    }
}

/// Action of a button.
type Action = fn(&Rc<Life>) -> Result<(), CallError>;

/// Properties of an element.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Element<'a> {
    id: &'a str,
    class_name: &'a str,
}

/// The next generation.
fn next(cells: &[bool]) -> Vec<bool> {
    let at = |row: usize, column: usize| cells[row % HEIGHT * WIDTH + column % WIDTH];
    let lives = |index: usize| {
        let (row, column) = (index / WIDTH + HEIGHT, index % WIDTH + WIDTH);
        let around = (row - 1..=row + 1).flat_map(|row| (column - 1..=column + 1).map(move |column| (row, column)));
        let alive = around.filter(|(row, column)| at(*row, *column)).count();
        alive == 3 || alive == 4 && cells[index]
    };
    (0..cells.len()).map(lives).collect()
}

const WIDTH: usize = 24;
const HEIGHT: usize = 16;

/// The initial living cells: a glider.
const GLIDER: [usize; 5] = [WIDTH + 2, 2 * WIDTH + 3, 3 * WIDTH + 1, 3 * WIDTH + 2, 3 * WIDTH + 3];
