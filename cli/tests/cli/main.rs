//! The program as users start it. `cases.json` beside this folder also tests the npm package's command.

mod commands;
mod serve;
mod world;
