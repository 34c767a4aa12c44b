//! Objects of the repository as raw bytes, through the library's database.

use std::path::Path;

use crate::git::error::Error;
use crate::git::native::tree::{DIRECTORY, Side, TreeEntries};
use crate::model::change::ObjectId;

/// The database of objects.
pub struct Objects<'r> {
    database: git2::Odb<'r>,
    id_length: usize,
}

/// The content of a tree object.
pub struct Tree<'o> {
    object: Option<git2::OdbObject<'o>>,
    id_length: usize,
}

impl<'r> Objects<'r> {
    /// The objects of `repo`.
    ///
    /// # Errors
    /// A database that the library cannot open, or in which some objects stand for others.
    pub fn open(repo: &'r git2::Repository) -> Result<Self, Error> {
        if has_replacements(repo.commondir()) {
            return Err(Error::Unsupported("a replaced object".to_owned()));
        }
        // Hashing every object again on reading costs a third of a walk; git does not do it either. And a walk reads each
        // tree once, so that keeping them costs another third.
        git2::opts::strict_hash_verification(false);
        git2::opts::enable_caching(false);
        let database = repo.odb().map_err(|cause| Error::Library {
            attempt: "open the objects of the repository".to_owned(),
            cause,
        })?;
        let id_length = match repo.object_format() {
            git2::ObjectFormat::Sha1 => 20,
            git2::ObjectFormat::Sha256 => 32,
        };
        Ok(Self {
            database,
            id_length,
        })
    }

    /// How many bytes an id has.
    pub fn id_length(&self) -> usize {
        self.id_length
    }

    /// The tree of a commit; none without a commit.
    ///
    /// # Errors
    /// A missing object, or one that is no commit.
    pub fn tree_of(&self, commit: Option<ObjectId>) -> Result<Option<ObjectId>, Error> {
        let Some(mut id) = commit else {
            return Ok(None);
        };
        // A tag may stand before the commit, and another before that.
        for _ in 0..10 {
            let object = self.object(id)?;
            let field: &[u8] = match object.kind() {
                git2::ObjectType::Tree => return Ok(Some(id)),
                git2::ObjectType::Commit => b"tree ",
                git2::ObjectType::Tag => b"object ",
                _ => break,
            };
            id = first_id(object.data(), field, self.id_length)
                .ok_or_else(|| Error::Corrupt(format!("the object {id} cannot be read")))?;
        }
        Err(Error::Corrupt(format!("{id} is no commit")))
    }

    /// The tree object `id`.
    ///
    /// # Errors
    /// A missing object, or one that is no tree.
    pub fn tree(&self, id: ObjectId) -> Result<Tree<'_>, Error> {
        let object = match id == empty_tree(self.id_length) {
            true => None,
            false => Some(self.object(id)?),
        };
        match object.as_ref().map(git2::OdbObject::kind) {
            None | Some(git2::ObjectType::Tree) => Ok(Tree {
                object,
                id_length: self.id_length,
            }),
            Some(_) => Err(Error::Corrupt(format!("{id} is no tree"))),
        }
    }

    /// What `path` holds below the tree `root`, a directory included.
    ///
    /// # Errors
    /// A missing object.
    pub fn find(&self, root: ObjectId, path: &[u8]) -> Result<Option<Side>, Error> {
        let mut here = Side {
            mode: DIRECTORY,
            id: root,
        };
        if path.is_empty() {
            return Ok(Some(here));
        }
        for part in path.split(|byte| *byte == b'/') {
            if here.mode != DIRECTORY {
                return Ok(None);
            }
            match self.child(here.id, part)? {
                Some(side) => here = side,
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    /// The directory at `path` below the tree `root`, if there is one.
    ///
    /// # Errors
    /// A missing object.
    pub fn directory(
        &self,
        root: Option<ObjectId>,
        path: &[u8],
    ) -> Result<Option<ObjectId>, Error> {
        let Some(root) = root else {
            return Ok(None);
        };
        let found = self.find(root, path)?;
        Ok(found
            .filter(|side| side.mode == DIRECTORY)
            .map(|side| side.id))
    }

    /// The content of the blob `id`.
    ///
    /// # Errors
    /// A missing object, or one that is no blob.
    pub fn blob(&self, id: ObjectId) -> Result<Vec<u8>, Error> {
        let object = self.object(id)?;
        match object.kind() {
            git2::ObjectType::Blob => Ok(object.data().to_vec()),
            _ => Err(Error::Corrupt(format!("{id} is no file"))),
        }
    }

    /// How many bytes the object `id` has, if it is there.
    pub fn length(&self, id: ObjectId) -> Option<u64> {
        let oid = git2::Oid::from_bytes(id.as_bytes()).ok()?;
        let (length, _) = self.database.read_header(oid).ok()?;
        Some(length as u64)
    }

    fn child(&self, tree: ObjectId, name: &[u8]) -> Result<Option<Side>, Error> {
        let tree = self.tree(tree)?;
        let mut entries = tree.entries()?;
        while let Some(entry) = entries.peek() {
            if entry.name == name {
                return Ok(Some(entry.side()));
            }
            entries.advance()?;
        }
        Ok(None)
    }

    fn object(&self, id: ObjectId) -> Result<git2::OdbObject<'_>, Error> {
        git2::Oid::from_bytes(id.as_bytes())
            .and_then(|oid| self.database.read(oid))
            .map_err(|cause| Error::Library {
                attempt: format!("read the object {id}"),
                cause,
            })
    }
}

impl Tree<'_> {
    /// Its lines.
    ///
    /// # Errors
    /// Bytes that are no tree.
    pub fn entries(&self) -> Result<TreeEntries<'_>, Error> {
        let bytes = self
            .object
            .as_ref()
            .map_or(&b""[..], |object| object.data());
        TreeEntries::new(bytes, self.id_length)
    }
}

/// Whether some object stands for another one, as after `git replace`.
fn has_replacements(common_dir: &Path) -> bool {
    let loose = common_dir.join("refs/replace");
    let holds_some = |mut entries: std::fs::ReadDir| entries.next().is_some();
    if std::fs::read_dir(loose).is_ok_and(holds_some) {
        return true;
    }
    let packed = std::fs::read(common_dir.join("packed-refs")).unwrap_or_default();
    let lines = packed.split(|byte| *byte == b'\n');
    let name = |line: &[u8]| line.iter().position(|byte| *byte == b' ').map(|at| at + 1);
    lines
        .filter_map(|line| line.get(name(line)?..))
        .any(|name| name.starts_with(b"refs/replace/"))
}

/// The id in the first line of a commit or a tag.
fn first_id(content: &[u8], field: &[u8], id_length: usize) -> Option<ObjectId> {
    let digits = content.strip_prefix(field)?.get(..2 * id_length)?;
    ObjectId::from_hex(std::str::from_utf8(digits).ok()?)
}

/// The id of the tree without entries, which need not be stored.
fn empty_tree(id_length: usize) -> ObjectId {
    let hex = match id_length {
        20 => "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        _ => "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
    };
    ObjectId::from_hex(hex).expect("the digits are written here")
}
