//! The program from outside: transcripts of its commands, JSON, colours, files, images and its documentation.

mod colour;
mod command_line;
mod cookbook;
mod documentation;
mod images;
mod json;
mod output;
mod run;
mod transcript;
mod world;
