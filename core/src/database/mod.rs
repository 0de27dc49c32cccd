//! The database: schema, migrations and reading, shared by the command and the browser.
//!
//! Nothing here writes a task or a result; a connection is opened by whoever owns the file system.

pub mod read;
pub mod schema;
