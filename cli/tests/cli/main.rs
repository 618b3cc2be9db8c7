//! The program as users start it. `cases.json` beside this folder is for the npm package's command, too.

mod commands;
mod serve;
mod world;
