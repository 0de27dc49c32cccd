//! What people and programs see: tables, times, JSON, text that no terminal obeys.

pub mod document;
pub mod output;
pub mod table;
pub mod text;
pub mod time;
