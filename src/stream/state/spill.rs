//! Spilled tables: pages in the store of a backend.
//!
//! A page is a crc32 and the encoded table as in a checkpoint. Pages never change, so a holder has
//! a snapshot; the last holder removes the page.

use std::boxed::Box;
use std::mem::needs_drop;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::vec;
use std::vec::Vec;

use crate::stream::data::Key;
use crate::stream::error::BoxError;
use crate::stream::state::backend::PageStore;
use crate::stream::state::codec::Codec;
use crate::stream::state::encoding::{put_table, take_records, take_table};
use crate::stream::state::saved::used_up;
use crate::stream::state::size::StateSize;
use crate::stream::state::table::Table;
use crate::stream::threads::lock::lock;

/// The page store of all operators, and how many bytes of tables are in memory.
pub(crate) struct SpillManager {
    store: Box<dyn PageStore>,
    /// Estimated bytes of the tables that stay in memory, without those being changed.
    used: AtomicUsize,
    /// The number of the next page.
    next: AtomicU64,
    /// An error that could not be reported yet.
    failure: Mutex<Option<BoxError>>,
}

impl SpillManager {
    pub(crate) fn new(store: Box<dyn PageStore>) -> Self {
        Self {
            store,
            used: AtomicUsize::new(0),
            next: AtomicU64::new(0),
            failure: Mutex::default(),
        }
    }

    /// Keeps an error until an operator that works on a table can report it.
    fn note<T, E: Into<BoxError>>(&self, result: Result<T, E>) -> Option<T> {
        let noted = |error: E| *lock(&self.failure) = Some(error.into());
        result.map_err(noted).ok()
    }

    fn check(&self) -> Result<(), BoxError> {
        lock(&self.failure).take().map_or(Ok(()), Err)
    }
}

/// A reservation of memory, released when dropped.
#[derive(Default)]
pub(super) struct Room {
    claim: Option<(Arc<SpillManager>, usize)>,
}

impl Room {
    /// Reserves room for a table instead of the previous reservation; returns whether there is any.
    fn fit(&mut self, spill: &Arc<SpillManager>, bytes: usize) -> bool {
        *self = Self::default();
        let before = spill.used.fetch_add(bytes, Ordering::Relaxed);
        self.claim = Some((Arc::clone(spill), bytes));
        let fits = before + bytes <= spill.store.memory_limit();
        if !fits {
            *self = Self::default();
        }
        fits
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some((spill, bytes)) = self.claim.take() {
            spill.used.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

/// Spills the tables of one operator.
pub(crate) struct Spiller<K, S> {
    spill: Arc<SpillManager>,
    keys: Codec<K>,
    states: Codec<S>,
}

impl<K, S> Clone for Spiller<K, S> {
    fn clone(&self) -> Self {
        Self {
            spill: Arc::clone(&self.spill),
            keys: self.keys.clone(),
            states: self.states.clone(),
        }
    }
}

/// How many entries are sampled for the heap memory that a table owns.
const SAMPLED: usize = 64;

impl<K, S> Spiller<K, S> {
    pub(crate) fn new(spill: &Arc<SpillManager>, keys: &Codec<K>, states: &Codec<S>) -> Self {
        Self {
            spill: Arc::clone(spill),
            keys: keys.clone(),
            states: states.clone(),
        }
    }

    /// An error that could not be reported yet.
    pub(super) fn check(&self) -> Result<(), BoxError> {
        self.spill.check()
    }

    /// Keeps an error until an operator that works on a table can report it.
    pub(super) fn note<T>(&self, result: Result<T, BoxError>) {
        self.spill.note(result);
    }

    /// Reserves room for a table in memory, or else returns the page that it spills to.
    pub(super) fn spill_if_full(
        &self,
        table: &Table<K, S>,
        room: &mut Room,
    ) -> Result<Option<SpilledTable<K, S>>, BoxError> {
        match room.fit(&self.spill, self.bytes_of(table)) {
            true => Ok(None),
            false => self.write(table).map(Some),
        }
    }

    /// An estimate of the memory of a table. The heap memory of keys and states is estimated from a
    /// sample.
    fn bytes_of(&self, table: &Table<K, S>) -> usize {
        let mut size = StateSize::default();
        table.add_to(&mut size);
        if !needs_drop::<(K, S)>() || table.len() == 0 {
            return size.bytes();
        }
        let entries = table.entries();
        let sampled = entries.iter().step_by(entries.len().div_ceil(SAMPLED));
        let count = sampled.len();
        let owned = sampled.map(|entry| {
            let state = entry.value.as_ref();
            self.keys.owned(&entry.key) + state.map_or(0, |state| self.states.owned(state))
        });
        size.bytes() + table.len() * owned.sum::<usize>() / count
    }

    fn write(&self, table: &Table<K, S>) -> Result<SpilledTable<K, S>, BoxError> {
        let mut bytes = vec![0; CHECK];
        put_table(table, &self.keys, &self.states, &mut bytes)?;
        let check = crc32fast::hash(&bytes[CHECK..]).to_le_bytes();
        bytes[..CHECK].copy_from_slice(&check);
        let number = self.spill.next.fetch_add(1, Ordering::Relaxed);
        self.spill.store.put(number, &bytes)?;
        Ok(SpilledTable {
            spiller: self.clone(),
            number,
            keys: table.len(),
        })
    }
}

/// How many bytes of a page are its crc32.
const CHECK: usize = 4;

/// A spilled table.
pub(crate) struct SpilledTable<K, S> {
    spiller: Spiller<K, S>,
    number: u64,
    keys: usize,
}

impl<K, S> SpilledTable<K, S> {
    /// How many keys it has.
    pub(crate) fn len(&self) -> usize {
        self.keys
    }

    /// Reads and verifies the encoded table.
    fn read<T>(&self, body: impl FnOnce(&mut &[u8]) -> Result<T, BoxError>) -> Result<T, BoxError> {
        let spill = &self.spiller.spill;
        let bytes = spill.store.get(self.number)?;
        let (check, mut rest) = bytes.split_at(CHECK.min(bytes.len()));
        if check != crc32fast::hash(rest).to_le_bytes() {
            return Err(std::format!("page {} of the state is damaged", self.number).into());
        }
        let value = body(&mut rest)?;
        used_up(rest)?;
        Ok(value)
    }

    /// Appends the encoded table.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) -> Result<(), BoxError> {
        self.read(|bytes| {
            out.extend_from_slice(std::mem::take(bytes));
            Ok(())
        })
    }

    /// The keys with their states, in the order of insertion.
    pub(crate) fn records(&self) -> Result<Vec<(K, S)>, BoxError> {
        let Spiller { keys, states, .. } = &self.spiller;
        self.read(|bytes| take_records(keys, states, bytes))
    }

    /// The same for a query, which cannot report an error.
    pub(crate) fn asked(&self) -> Option<Vec<(K, S)>> {
        self.spiller.spill.note(self.records())
    }
}

impl<K: Key, S> SpilledTable<K, S> {
    pub(crate) fn table(&self) -> Result<Table<K, S>, BoxError> {
        let Spiller { keys, states, .. } = &self.spiller;
        self.read(|bytes| take_table(keys, states, bytes))
    }
}

impl<K, S> Drop for SpilledTable<K, S> {
    fn drop(&mut self) {
        let spill = &self.spiller.spill;
        spill.note(spill.store.remove(self.number));
    }
}
