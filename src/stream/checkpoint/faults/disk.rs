//! A disk in memory that tells what is durable from what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Component, Path};
use std::vec::Vec;

/// Files and directories by number; the root is the first.
#[derive(Debug)]
pub(crate) struct Disk {
    nodes: Vec<Node>,
}

/// What a file or directory holds now, and what it holds for certain after a power cut.
#[derive(Debug)]
enum Node {
    File { now: Vec<u8>, synced: Vec<u8> },
    Directory { now: Entries, synced: Entries },
}

type Entries = BTreeMap<OsString, usize>;

/// What a power cut leaves of that which was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing.
    Whole,
    /// Any part, chosen with this seed: some of the changes of each directory, in whatever order
    /// they were made; of each file a prefix, of which some sectors were not written.
    Part(u64),
}

/// The smaller they are, the more of them has a file.
const SECTOR: usize = 64;

impl Loss {
    /// A number below `end`; 0 if everything is lost.
    fn below(&mut self, end: u64) -> u64 {
        let Self::Part(state) = self else { return 0 };
        // The generator SplitMix64.
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn keeps(&mut self) -> bool {
        self.below(2) == 1
    }

    fn of_entries(&mut self, now: &Entries, synced: &Entries) -> Entries {
        let names: BTreeSet<&OsString> = now.keys().chain(synced.keys()).collect();
        let entry = |name: &OsString| {
            let (new, old) = (now.get(name), synced.get(name));
            let left = match new != old && self.keeps() {
                true => new,
                false => old,
            };
            Some((name.clone(), *left?))
        };
        names.into_iter().filter_map(entry).collect()
    }

    fn of_bytes(&mut self, now: &[u8], synced: &[u8]) -> Vec<u8> {
        let written = now.len() - synced.len();
        let length = synced.len() + self.below(written as u64 + 1) as usize;
        let mut left = Vec::from(&now[..length]);
        let mut at = synced.len();
        while at < length {
            let end = length.min((at / SECTOR + 1) * SECTOR);
            if self.below(8) == 1 {
                left[at..end].fill(0);
            }
            at = end;
        }
        left
    }
}

fn error<T>(kind: ErrorKind) -> io::Result<T> {
    Err(kind.into())
}

impl Default for Disk {
    /// The root alone.
    fn default() -> Self {
        let (now, synced) = Default::default();
        let nodes = std::vec![Node::Directory { now, synced }];
        Self { nodes }
    }
}

impl Disk {
    pub(crate) fn lose_power(&mut self, mut loss: Loss) {
        for node in &mut self.nodes {
            match node {
                Node::File { now, synced } => {
                    *synced = loss.of_bytes(now, synced);
                    now.clone_from(synced);
                }
                Node::Directory { now, synced } => {
                    *synced = loss.of_entries(now, synced);
                    now.clone_from(synced);
                }
            }
        }
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<usize> {
        let mut at = 0;
        for component in path.components() {
            if let Component::Normal(name) = component {
                let next = self.entries(at)?.get(name).copied();
                at = next.ok_or(ErrorKind::NotFound)?;
            }
        }
        Ok(at)
    }

    /// The names in a directory.
    pub(super) fn entries(&self, directory: usize) -> io::Result<&Entries> {
        match &self.nodes[directory] {
            Node::Directory { now, .. } => Ok(now),
            Node::File { .. } => error(ErrorKind::NotADirectory),
        }
    }

    /// The entries in which a path is, and its name there.
    fn place<'a>(&mut self, path: &'a Path) -> io::Result<(&mut Entries, &'a OsStr)> {
        let (parent, name) = (path.parent().unwrap(), path.file_name().unwrap());
        let parent = self.find(parent)?;
        match &mut self.nodes[parent] {
            Node::Directory { now, .. } => Ok((now, name)),
            Node::File { .. } => error(ErrorKind::NotADirectory),
        }
    }

    fn add(&mut self, path: &Path, number: usize) -> io::Result<()> {
        let (entries, name) = self.place(path)?;
        match entries.contains_key(name) {
            true => error(ErrorKind::AlreadyExists),
            false => {
                entries.insert(name.into(), number);
                Ok(())
            }
        }
    }

    fn make(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        let number = self.nodes.len();
        self.add(path, number)?;
        self.nodes.push(node);
        Ok(number)
    }

    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        let (now, synced) = Default::default();
        self.make(path, Node::Directory { now, synced }).map(drop)
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<usize> {
        let (now, synced) = Default::default();
        self.make(path, Node::File { now, synced })
    }

    pub(super) fn link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let number = self.find(from)?;
        self.add(to, number)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.link(from, to)?;
        self.remove(from)
    }

    /// Removes a name, and all names below it.
    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let (entries, name) = self.place(path)?;
        let removed = entries.remove(name);
        removed.map_or(error(ErrorKind::NotFound), |_| Ok(()))
    }

    pub(super) fn file(&self, number: usize) -> io::Result<&Vec<u8>> {
        match &self.nodes[number] {
            Node::File { now, .. } => Ok(now),
            Node::Directory { .. } => error(ErrorKind::IsADirectory),
        }
    }

    pub(super) fn write(&mut self, number: usize, bytes: &[u8]) {
        if let Node::File { now, .. } = &mut self.nodes[number] {
            now.extend(bytes);
        }
    }

    /// Truncates a file, durably.
    pub(super) fn cut(&mut self, path: &Path, length: u64) -> io::Result<()> {
        let number = self.find(path)?;
        self.file(number)?;
        if let Node::File { now, .. } = &mut self.nodes[number] {
            now.resize(length as usize, 0);
        }
        self.sync(number);
        Ok(())
    }

    /// What a file or directory holds itself is durable.
    pub(super) fn sync(&mut self, number: usize) {
        match &mut self.nodes[number] {
            Node::File { now, synced } => synced.clone_from(now),
            Node::Directory { now, synced } => synced.clone_from(now),
        }
    }
}
