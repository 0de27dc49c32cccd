//! Whose word a database is: who can write what SQLite reads from it.
//!
//! SQLite reads more than the database: a write-ahead log, its index, a rollback journal, all found by
//! their names. Whoever can put one of them there writes the database.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Error, plain};
use crate::sys::file;
use crate::sys::identity::{Place, groups_of, user_name};

/// May be written by the group or by everybody.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Names in such a folder belong to who made them (the sticky bit), as in /tmp.
const STICKY: u32 = 0o1000;

/// Refuses a database beside which lies something that SQLite would take for a part of it, and that
/// cannot be one: what is no regular file, or was put there by somebody else.
pub fn check_parts(database: &Path) -> Result<(), Error> {
    let Ok(main) = fs::metadata(database) else {
        return Ok(());
    };
    // Who can write the database needs no other file to change what is read from it.
    let is_shared = main.mode() & WRITABLE_BY_OTHERS != 0;
    for part in file::parts_of_database(database) {
        let refused = |why: &str| {
            Err(Error::Database(format!(
                "'{}' beside it {why}",
                part.display()
            )))
        };
        match fs::symlink_metadata(&part) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return refused(&format!("cannot be looked at: {}", plain(&error))),
            Ok(data) if !data.is_file() => {
                return refused("is not a regular file; inspect it and move it away");
            }
            Ok(data) if !is_shared && data.uid() != main.uid() && data.uid() != 0 => {
                return refused(&format!(
                    "belongs to {}, not to the owner of the database, and could change what is read; \
                     inspect it and move it away",
                    user_name(data.uid())
                ));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Whether nobody but this user and root can have written what is read from a database: neither its
/// files, nor the folders in which they are found.
pub fn is_private(database: &Path) -> bool {
    let is_sound = |data: &Metadata| is_ours(data) && data.mode() & WRITABLE_BY_OTHERS == 0;
    let parts_are_sound = || {
        file::parts_of_database(database).all(|part| match fs::symlink_metadata(part) {
            Ok(data) => is_sound(&data),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        })
    };
    let folder_is_sound = || {
        let folder = database
            .parent()
            .and_then(|folder| fs::metadata(folder).ok());
        folder.is_some_and(|data| is_sound(&data))
    };
    fs::symlink_metadata(database).is_ok_and(|data| data.is_file() && is_sound(&data))
        && parts_are_sound()
        && folder_is_sound()
        // A folder of this user's in /tmp cannot be replaced there by others.
        && database.ancestors().skip(2).all(|folder| {
            fs::metadata(folder)
                .is_ok_and(|data| is_sound(&data) || (is_ours(&data) && data.mode() & STICKY != 0))
        })
}

/// Whether everybody who can have written a database that is not private could also read this file and
/// delete it. Access control lists are not looked at; where there are some, the mode of a file shows at
/// least what they allow.
pub fn is_within_reach_of_writers(database: &Path, file: &Path) -> bool {
    let folder = database.parent();
    let data = [Some(database), folder].map(|path| path.and_then(|path| fs::metadata(path).ok()));
    let [Some(main), Some(folder)] = data else {
        return false;
    };
    let others_write = |data: &Metadata| data.mode() & WRITABLE_BY_OTHERS != 0;
    let writer = if others_write(&main) || others_write(&folder) {
        Writer::Anybody
    } else {
        let uid = main.uid();
        Writer::User(uid, groups_of(uid))
    };
    let Some(within) = file.parent().and_then(|folder| folder.canonicalize().ok()) else {
        return false;
    };
    let may =
        |path: &Path, right| fs::symlink_metadata(path).is_ok_and(|data| writer.may(&data, right));
    // Links above the file are followed here; the file itself is not one, or not read.
    let is_reached = within.ancestors().all(|folder| may(folder, EXECUTE));
    let file_data = file
        .file_name()
        .map(|name| fs::symlink_metadata(within.join(name)));
    let (Some(file_data), Ok(folder_data)) = (file_data, fs::metadata(&within)) else {
        return false;
    };
    is_reached
        && may(&within, WRITE)
        && match file_data {
            Ok(data) => {
                writer.may(&data, READ)
                    && (folder_data.mode() & STICKY == 0
                        || writer.is(data.uid())
                        || writer.is(folder_data.uid()))
            }
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
}

const READ: u32 = 0o4;
const WRITE: u32 = 0o2;
const EXECUTE: u32 = 0o1;

/// Who can have written a database.
enum Writer {
    /// Its owner, who is in these groups.
    User(u32, Vec<u32>),
    /// Others too.
    Anybody,
}

impl Writer {
    fn is(&self, uid: u32) -> bool {
        matches!(self, Self::User(user, _) if [0, uid].contains(user))
    }

    fn may(&self, data: &Metadata, right: u32) -> bool {
        let shift = match self {
            Self::User(0, _) => return true,
            Self::User(user, _) if *user == data.uid() => 6,
            Self::User(_, groups) if groups.contains(&data.gid()) => 3,
            Self::User(..) => 0,
            // Whoever it is must have it.
            Self::Anybody => {
                return [6, 3, 0]
                    .iter()
                    .all(|shift| data.mode() >> shift & right != 0);
            }
        };
        data.mode() >> shift & right != 0
    }
}

fn is_ours(data: &Metadata) -> bool {
    [0, Place::here().uid].contains(&data.uid())
}
