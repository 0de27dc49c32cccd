//! The database: schema, migrations and reading, shared by the command and the browser.
//!
//! Nothing here writes a task or a result; a connection is opened by whoever owns the file system.

pub mod header;
pub mod read;
pub mod schema;
mod table;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// A file may come from anybody: what its schema contains is never run. Call this first.
pub fn harden(connection: &Connection) -> rusqlite::Result<()> {
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(setting, value)?;
    }
    Ok(())
}
