//! Files: what identifies a version of one, opening one without being led elsewhere, and what kind
//! of file system it is on.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, FcntlArg, OFlag, fcntl};
use nix::sys::statfs;
use nix::unistd::{Whence, linkat, lseek};
use serde::{Deserialize, Serialize};

use super::identity;

/// One version of a file: any change of it is a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last modification since 1970.
    pub modified: Duration,
    /// Whether it is a regular file; anything else is never read and never deleted.
    pub is_regular: bool,
}

impl Version {
    /// The present version of the file at this path, a link not followed; `None` if there is none.
    pub fn of(path: &Path) -> Option<Self> {
        let data = std::fs::symlink_metadata(path).ok()?;
        let seconds = Duration::from_secs(u64::try_from(data.mtime()).unwrap_or_default());
        let fraction = Duration::from_nanos(u64::try_from(data.mtime_nsec()).unwrap_or_default());
        Some(Self {
            inode: data.ino(),
            size: data.size(),
            modified: seconds + fraction,
            is_regular: data.is_file(),
        })
    }
}

/// What `SQLite` looks for beside a database, and takes for a part of it.
pub fn parts_of_database(database: &Path) -> impl Iterator<Item = PathBuf> {
    ["-wal", "-shm", "-journal"].into_iter().map(|suffix| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    })
}

/// The one path of a file, whatever links lead to it: also where it, or the folder it is to be in, does
/// not exist yet.
pub fn one_path(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // More links than the kernel follows are left to it to refuse.
    for _ in 0..40 {
        if let Ok(found) = path.canonicalize() {
            return found;
        }
        match std::fs::read_link(&path) {
            // A link to a file that is not there yet.
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => break,
        }
    }
    let folder = path
        .ancestors()
        .skip(1)
        .find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    match folder {
        Some((folder, found)) => path
            .strip_prefix(folder)
            .map_or_else(|_| path.clone(), |rest| found.join(rest)),
        None => path,
    }
}

/// Whether this path leads to a database's file or to one of those that `SQLite` keeps beside it.
pub fn is_of_database(path: &Path, database: &Path) -> bool {
    let identity = |path: &Path| {
        std::fs::metadata(path)
            .ok()
            .map(|data| (data.dev(), data.ino()))
    };
    let Some(found) = identity(path) else {
        return false;
    };
    identity(database) == Some(found)
        || parts_of_database(database).any(|part| identity(&part) == Some(found))
}

/// Opens a regular file for reading. A symbolic link, a pipe or a device is an error; opening never
/// waits for anybody and, but for a race, does nothing to a device.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let check = |data: &Metadata| {
        if data.is_file() {
            Ok(())
        } else {
            Err(io::Error::other("it is not a regular file"))
        }
    };
    check(&std::fs::symlink_metadata(path)?)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Where the data begins that is next at or after an offset: what is before it is a hole, NUL bytes
/// that stand nowhere. The end of the file, of this size, if there is none; the offset itself where the
/// file system does not tell.
pub fn next_data(file: &File, offset: u64, size: u64) -> u64 {
    let Ok(from) = i64::try_from(offset) else {
        return offset;
    };
    match lseek(file, from, Whence::SeekData) {
        Ok(data) => u64::try_from(data).map_or(offset, |data| data.max(offset)),
        // There is none up to the end.
        Err(Errno::ENXIO) => size.max(offset),
        Err(_) => offset,
    }
}

/// Writes all of it to standard output, at once as far as that takes it.
pub fn write_to_stdout(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match nix::unistd::write(io::stdout(), bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Reads a text file that belongs to this user; another user's is an error, like what is no regular
/// file.
pub fn read_own(path: &Path) -> io::Result<String> {
    let mut file = open_regular(path)?;
    if file.metadata()?.uid() != nix::unistd::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// A file for this user only that is not to be seen until it is whole. One that is given up, also
/// because this process dies, leaves nothing behind; but for file systems without nameless files.
pub struct NewFile {
    file: File,
    /// Its name until then, where it must have one.
    part: Option<PathBuf>,
}

impl NewFile {
    /// Begins a file that is to stand at this path.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        let nameless = options
            .clone()
            .custom_flags(libc::O_TMPFILE)
            .open(folder_of(path));
        match nameless {
            Ok(file) => Ok(Self { file, part: None }),
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                let part = name_beside(path)?;
                let file = options.create_new(true).open(&part)?;
                Ok(Self {
                    file,
                    part: Some(part),
                })
            }
            Err(error) => Err(error),
        }
    }

    /// What to write to.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Puts it at its path, in the place of what stands there.
    pub fn appear(mut self, path: &Path) -> io::Result<()> {
        if let Some(part) = &self.part {
            std::fs::rename(part, path)?;
            self.part = None;
            return Ok(());
        }
        match self.link(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let part = name_beside(path)?;
                self.link(&part)?;
                self.part = Some(part.clone());
                std::fs::rename(part, path)?;
                self.part = None;
                Ok(())
            }
            other => other,
        }
    }

    fn link(&self, path: &Path) -> io::Result<()> {
        let source = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let follow = AtFlags::AT_SYMLINK_FOLLOW;
        Ok(linkat(AT_FDCWD, source.as_str(), AT_FDCWD, path, follow)?)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            let _ = std::fs::remove_file(part);
        }
    }
}

/// Makes a new file for this user only, which appears with its whole content or not at all, also if
/// this process dies or power fails.
pub fn create_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = NewFile::begin(path)?;
    new.file().write_all(content)?;
    new.file().sync_all()?;
    new.appear(path)?;
    // That its name is safe too is as much as can be done.
    let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    }
}

/// A name beside this one that nobody else uses.
fn name_beside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", identity::random_mark()?));
    Ok(name.into())
}

/// Opens a file for a program to append to, for this user only if it is new. The flag says whether
/// it was made here.
pub fn open_append(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    // A pipe that nobody reads is an error then, where opening would wait for somebody.
    options
        .append(true)
        .mode(0o600)
        .custom_flags(libc::O_NONBLOCK);
    let (file, created) = match options.clone().create_new(true).open(path) {
        Ok(file) => (file, true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let opened = options.create(true).open(path);
            (opened.map_err(in_words)?, false)
        }
        Err(error) => return Err(error),
    };
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok((file, created))
}

/// What the system calls "no such device or address".
fn in_words(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ENXIO) => {
            io::Error::other("nobody reads from this pipe; start its reader first")
        }
        _ => error,
    }
}

/// Creates a folder and its parents, for this user only; one that exists is left as it is.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a file to write other content to it; one that is new is for this user only.
pub fn open_to_replace(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

/// Opens a file for writing at its end, which is made for this user only if there is none; a link is
/// followed, also one that leads to no file yet.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// Whether this process may make files in the folder; the reason if not.
pub fn check_writable_folder(path: &Path) -> io::Result<()> {
    use nix::unistd::{AccessFlags, access};
    if !std::fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(access(path, AccessFlags::W_OK | AccessFlags::X_OK)?)
}

/// The name of the network file system that holds this path, if it is on one. Other hosts may write
/// there without this kernel's knowledge. Numbers: statfs(2) and the kernel's magic.h.
pub fn network_file_system(path: &Path) -> Option<&'static str> {
    const CIFS: i64 = 0xff53_4d42;
    const SMB2: i64 = 0xfe53_4d42;
    const CEPH: i64 = 0x00c3_6400;
    const LUSTRE: i64 = 0x0bd0_0bd0;
    const GPFS: i64 = 0x4750_4653;
    const NINE_P: i64 = 0x0102_1997;
    let kind = statfs::statfs(path).ok()?.filesystem_type();
    match kind {
        statfs::NFS_SUPER_MAGIC => Some("NFS"),
        statfs::SMB_SUPER_MAGIC => Some("SMB"),
        statfs::CODA_SUPER_MAGIC => Some("Coda"),
        statfs::AFS_SUPER_MAGIC => Some("AFS"),
        other => match other.0 {
            CIFS => Some("CIFS"),
            SMB2 => Some("SMB2"),
            CEPH => Some("Ceph"),
            LUSTRE => Some("Lustre"),
            GPFS => Some("GPFS"),
            NINE_P => Some("9p"),
            _ => None,
        },
    }
}
