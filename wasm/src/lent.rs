//! SQLite's view of the files that the browser lends: it can read them, and nothing else.
//!
//! Guarantees: a database sees its own file and its write-ahead log and no other; writing, truncating
//! and deleting fail. Bytes are asked for in blocks, of which some are kept, because a call into
//! JavaScript costs as much as a block. The one unsafe call of this crate is in [`vfs`].

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use js_sys::{Function, Uint8Array};
use rusqlite::{Connection, OpenFlags};
use sqlite_wasm_rs::WasmOsCallback;
use sqlite_wasm_rs::vfs::{
    AccessMode, FileKind, LockLevel, OpenAccess, OpenOptions, OpenRequest, OpenedFile,
    SQLiteIoMethods, SQLiteVfs, SyncOptions, VfsError, VfsErrorCode, VfsFile, VfsResult, VfsStore,
    register_vfs,
};
use taskwatcher_core::database::header;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::convert::{from_count, to_count};
use crate::history::{History, damaged, look};

/// What SQLite calls the lender.
const VFS: &str = "lent";
/// How SQLite names the log of a database.
const LOG: &str = "-wal";
/// Bytes are asked for in blocks of this size.
const BLOCK: usize = 128 << 10;
/// So many blocks of a file are kept.
const KEPT: usize = 16;

#[wasm_bindgen]
impl History {
    /// Opens a database of `size` bytes, with a write-ahead log of `wal_size` bytes if it is given.
    pub fn open(
        #[wasm_bindgen(
            unchecked_param_type = "(file: 0 | 1, offset: number, length: number) => Uint8Array"
        )]
        read: Function,
        size: f64,
        wal_size: Option<f64>,
    ) -> Result<Self, String> {
        let mut file = LentFile::new(read.clone(), 0, to_count(size));
        let mut log = wal_size.map(|size| LentFile::new(read, 1, to_count(size)));
        let head = file.head()?;
        let log_head = log.as_mut().map(LentFile::head).transpose()?;
        let log_seen = log_head.as_deref().zip(log.as_ref().map(|log| log.size));
        let (note, log_is_good) = look(&head, log_seen)?;
        let name = lend(Lent {
            file,
            log: log.filter(|_| log_is_good),
        })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags_and_vfs(&name, flags, VFS)
            .map_err(|error| damaged(&error))?;
        // Without this a log needs shared memory, which only processes have.
        connection
            .pragma_update(None, "locking_mode", "exclusive")
            .map_err(|error| damaged(&error))?;
        Self::of(connection, note)
    }
}

/// A database and its log.
struct Lent {
    file: LentFile,
    log: Option<LentFile>,
}

/// A file that JavaScript reads.
#[derive(Clone)]
struct LentFile {
    read: Function,
    /// 0 for the database, 1 for its log.
    number: u8,
    size: u64,
    /// The latest one is the last.
    blocks: Vec<(u64, Vec<u8>)>,
}

type Lenders = RefCell<HashMap<String, Lent>>;

thread_local! {
    static LENDERS: Cell<Option<&'static Lenders>> = const { Cell::new(None) };
    static NAMES: Cell<u32> = const { Cell::new(0) };
}

/// Makes files known to SQLite, and gives the name under which it finds them. They are forgotten with
/// the worker: nobody opens many databases in one.
fn lend(lent: Lent) -> Result<String, String> {
    let number = NAMES.get();
    NAMES.set(number + 1);
    let name = format!("/{number}");
    vfs()?.borrow_mut().insert(name.clone(), lent);
    Ok(name)
}

/// The lender's files; it is introduced to SQLite first, if it was not.
fn vfs() -> Result<&'static Lenders, String> {
    if let Some(lenders) = LENDERS.get() {
        return Ok(lenders);
    }
    let lenders: &'static Lenders = Box::leak(Box::default());
    // SAFETY: nothing of `SQLiteVfs` and `SQLiteIoMethods` is overridden, so that their tables, layouts
    // and types agree; the files live for ever; there is only one thread, and one registration.
    #[expect(unsafe_code, reason = "see the head of this file")]
    let registered = unsafe { register_vfs::<Io, Vfs>(VFS, lenders, false) };
    let registered =
        registered.map_err(|error| format!("SQLite did not take the browser's files: {error}"))?;
    registered.into_raw();
    LENDERS.set(Some(lenders));
    Ok(lenders)
}

impl LentFile {
    fn new(read: Function, number: u8, size: u64) -> Self {
        Self {
            read,
            number,
            size,
            blocks: Vec::new(),
        }
    }

    /// What has to be seen of it before SQLite does.
    fn head(&mut self) -> Result<Vec<u8>, String> {
        let len = to_len(self.size).min(header::LEN);
        let mut head = vec![0; len];
        let seen = self.read_at(&mut head, 0)?;
        head.truncate(seen);
        Ok(head)
    }

    /// Fills as much of `into` as the file has from `offset` on.
    fn read_at(&mut self, into: &mut [u8], offset: u64) -> Result<usize, String> {
        let mut filled = 0;
        while filled < into.len() && offset + (filled as u64) < self.size {
            let at = offset + filled as u64;
            let (number, within) = (at / BLOCK as u64, to_len(at % BLOCK as u64));
            let block = self.block(number)?;
            let Some(rest) = block.get(within..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            let len = rest.len().min(into.len() - filled);
            into[filled..filled + len].copy_from_slice(&rest[..len]);
            filled += len;
        }
        Ok(filled)
    }

    fn block(&mut self, number: u64) -> Result<&[u8], String> {
        match self.blocks.iter().position(|(known, _)| *known == number) {
            // The last one is asked for again and again.
            Some(at) if at + 1 < self.blocks.len() => {
                let block = self.blocks.remove(at);
                self.blocks.push(block);
            }
            Some(_) => {}
            None => {
                let bytes = self.ask(number * BLOCK as u64)?;
                if self.blocks.len() >= KEPT {
                    self.blocks.remove(0);
                }
                self.blocks.push((number, bytes));
            }
        }
        Ok(self.blocks.last().map_or(&[], |(_, bytes)| bytes))
    }

    /// Calls JavaScript for the block at an offset.
    fn ask(&self, offset: u64) -> Result<Vec<u8>, String> {
        let len = (self.size - offset).min(BLOCK as u64);
        let given = self.read.call3(
            &JsValue::NULL,
            &JsValue::from(self.number),
            &JsValue::from_f64(from_count(offset)),
            &JsValue::from_f64(from_count(len)),
        );
        let given =
            given.map_err(|_| "the file cannot be read any more; open it again".to_owned())?;
        Ok(Uint8Array::new(&given).to_vec())
    }
}

fn to_len(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn error(code: VfsErrorCode, message: impl Into<std::borrow::Cow<'static, str>>) -> VfsError {
    VfsError::new(code, message.into())
}

fn read_only<T>() -> VfsResult<T> {
    Err(error(VfsErrorCode::ReadOnly, "files are only lent"))
}

impl VfsFile for LentFile {
    fn read(&mut self, into: &mut [u8], offset: u64) -> VfsResult<usize> {
        self.read_at(into, offset)
            .map_err(|message| error(VfsErrorCode::IoRead, message))
    }

    fn write(&mut self, _: &[u8], _: u64) -> VfsResult<()> {
        read_only()
    }

    fn truncate(&mut self, _: u64) -> VfsResult<()> {
        read_only()
    }

    fn sync(&mut self, _: SyncOptions) -> VfsResult<()> {
        Ok(())
    }

    fn size(&self) -> VfsResult<u64> {
        Ok(self.size)
    }

    // Nobody else has the file in this form, so that there is nothing to lock.

    fn lock(&mut self, _: LockLevel) -> VfsResult<()> {
        Ok(())
    }

    fn unlock(&mut self, _: LockLevel) -> VfsResult<()> {
        Ok(())
    }

    fn check_reserved_lock(&self) -> VfsResult<bool> {
        Ok(false)
    }
}

struct Store;

impl VfsStore for Store {
    type File = LentFile;
    type AppData = &'static Lenders;

    fn open_file(
        data: &&'static Lenders,
        request: OpenRequest<'_>,
    ) -> VfsResult<OpenedFile<LentFile>> {
        let name = request.filename.map_or("", |name| name.path());
        let lenders = data.borrow();
        let file = match request.options.kind() {
            Some(FileKind::MainDb) => lenders.get(name).map(|lent| lent.file.clone()),
            Some(FileKind::Wal) => {
                let lent = name.strip_suffix(LOG).and_then(|name| lenders.get(name));
                // A database that uses a log asks for it also where there is none.
                lent.map(|lent| {
                    let empty = || LentFile::new(lent.file.read.clone(), 1, 0);
                    lent.log.clone().unwrap_or_else(empty)
                })
            }
            _ => None,
        };
        let file = file.ok_or_else(|| error(VfsErrorCode::CantOpen, "no such file was lent"))?;
        Ok(OpenedFile {
            file,
            access: OpenAccess::ReadOnly,
        })
    }

    fn close_file(
        _: &&'static Lenders,
        _: Option<&str>,
        _: LentFile,
        _: OpenOptions,
    ) -> VfsResult<()> {
        Ok(())
    }

    fn access(data: &&'static Lenders, name: &str, mode: AccessMode) -> VfsResult<bool> {
        let lenders = data.borrow();
        let exists = match name.strip_suffix(LOG) {
            Some(name) => lenders.get(name).is_some_and(|lent| lent.log.is_some()),
            None => lenders.contains_key(name),
        };
        Ok(exists && mode != AccessMode::ReadWrite)
    }

    fn full_pathname(_: &&'static Lenders, name: &str) -> VfsResult<String> {
        Ok(name.to_owned())
    }

    fn delete_file(_: &&'static Lenders, _: &str, _: bool) -> VfsResult<()> {
        read_only()
    }
}

struct Io;

impl SQLiteIoMethods for Io {
    type Store = Store;
}

struct Vfs;

impl SQLiteVfs<Io> for Vfs {
    type Os = WasmOsCallback;

    fn os(_: &&'static Lenders) -> &'static WasmOsCallback {
        &WasmOsCallback
    }
}
