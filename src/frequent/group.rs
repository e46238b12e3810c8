//! The index of a table of counters: groups of words, and how hashes choose among them.

/// A word of the index without a counter; those with one hold its position plus one.
pub(super) const VACANT: u32 = 0;

/// Words examined at once.
pub(super) const GROUP: usize = 8;

/// A part of the index; the vacant words are the last ones.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct Group(pub(super) [u32; GROUP]);

/// The most entries for an index of so many groups: a little over half of its words, which makes
/// 8 bytes of index a counter. Fuller groups overflow too often.
pub(super) const fn most_entries(groups: usize) -> usize {
    groups * 4 + groups / 8
}

/// The fewest groups for so many entries.
pub(super) const fn fewest_groups(entries: usize) -> usize {
    let groups = (entries as u64 * 8).div_ceil(33) as usize;
    if most_entries(groups) < entries {
        groups + 1
    } else {
        groups
    }
}

impl Group {
    /// The words with this tag, all in one.
    #[inline]
    pub(super) fn find(&self, tag: u32, mask: u32) -> u32 {
        let mut found = 0;
        for word in self.0 {
            found |= if (word ^ tag) & !mask == 0 { word } else { 0 };
        }
        found
    }
}

/// The home group among so many, by the high bits of the hash.
#[inline]
pub(super) fn home(hash: u32, groups: usize) -> usize {
    ((u64::from(hash) * groups as u64) >> 32) as usize
}

/// The tag, by the low bits of the hash, where a word has it.
#[inline]
pub(super) fn tag(hash: u32, mask: u32) -> u32 {
    hash.wrapping_mul(mask.wrapping_add(1)) & !mask
}
