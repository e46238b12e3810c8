//! What is wrong with the arrows: those that run upward, circles, and private seams.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

use super::arrows::Arrow;
use super::source::{Module, Source};

/// `layers.toml`.
#[derive(Deserialize)]
pub(super) struct Orders {
    order: Vec<Order>,
}

/// The order of the rooms of one module.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(rename = "crate")]
    crate_name: String,
    /// The module whose children are the rooms; the whole crate if empty.
    #[serde(default)]
    within: String,
    /// Top first. `a, b`: either may use the other, not both. `a | b`: neither knows the other.
    levels: Vec<String>,
    /// Modules that stand in a room of another name.
    #[serde(default)]
    rooms: BTreeMap<String, Vec<String>>,
}

/// What was counted, and everything that is wrong, a line each.
#[derive(Default, Debug)]
pub(super) struct Verdict {
    pub(super) rooms: usize,
    pub(super) between_rooms: usize,
    pub(super) files: usize,
    pub(super) arrows: usize,
    pub(super) upward: usize,
    pub(super) circles: usize,
    pub(super) seams: usize,
    pub(super) findings: Vec<String>,
}

pub(super) fn judge(source: &Source, arrows: &BTreeSet<Arrow>, orders: &Orders) -> Verdict {
    let mut verdict = Verdict::default();
    let files: BTreeSet<&Path> = source
        .modules
        .iter()
        .map(|module| module.file.as_path())
        .collect();
    verdict.files = files.len();
    for order in &orders.order {
        order.judge(source, arrows, &mut verdict);
    }
    judge_circles(source, arrows, &mut verdict);
    for arrow in arrows {
        let [from, to] = [arrow.from, arrow.to].map(|id| &source.modules[id]);
        if arrow.hidden && from.crate_name != to.crate_name {
            verdict.seams += 1;
            let line = format!(
                "private: {} of {} is hidden in its docs",
                place(source, arrow),
                to.crate_name
            );
            verdict.findings.push(line);
        }
    }
    verdict
}

/// The file and line of an arrow, and what it names.
fn place(source: &Source, arrow: &Arrow) -> String {
    let file = source.modules[arrow.from].file.display();
    format!("{file}:{}: `{}`", arrow.line, arrow.text)
}

/// Where a room stands: its level, and which of the rooms of that level it may know.
#[derive(Clone, Copy)]
struct Rank {
    level: usize,
    group: usize,
}

impl Order {
    fn judge(&self, source: &Source, arrows: &BTreeSet<Arrow>, verdict: &mut Verdict) {
        let ranks = self.ranks();
        let rooms = source
            .modules
            .iter()
            .filter_map(|module| self.room(module))
            .flatten();
        let rooms: BTreeSet<&str> = rooms.collect();
        verdict.rooms += rooms.len();
        for room in rooms.iter().filter(|room| !ranks.contains_key(*room)) {
            let (name, within) = (&self.crate_name, &self.within);
            let line =
                format!("no place: xtask/layers.toml does not list `{room}` of {name} {within}");
            verdict.findings.push(line);
        }
        // The first arrow of each pair of files, and how many more there are.
        let mut pairs: BTreeMap<_, (&Arrow, usize)> = BTreeMap::new();
        for arrow in arrows {
            let [from, to] = [arrow.from, arrow.to].map(|id| &source.modules[id]);
            if let (Some(from_room), Some(to_room)) = (self.room(from), self.room(to))
                && from_room != to_room
            {
                let pair = (from_room, to_room, &from.file, &to.file);
                pairs.entry(pair).or_insert((arrow, 0)).1 += 1;
            }
        }
        verdict.between_rooms += pairs.len();
        let known: BTreeSet<_> = pairs.keys().map(|(from, to, ..)| (*from, *to)).collect();
        for ((from, to, _, file), (arrow, times)) in pairs {
            // The module itself stands above its rooms: it declares and re-exports them.
            let rank = |room: Option<&str>| room.map(|room| ranks.get(room).copied());
            let upward = match (rank(from), rank(to)) {
                (Some(_), None) => true,
                (Some(Some(below)), Some(Some(above))) if below.level == above.level => {
                    below.group != above.group || known.contains(&(to, from))
                }
                (Some(Some(below)), Some(Some(above))) => below.level > above.level,
                _ => false,
            };
            if upward {
                verdict.upward += 1;
                let [from, to] = [from, to].map(|room| room.unwrap_or("mod.rs"));
                let (place, file) = (place(source, arrow), file.display());
                let line = format!("upward: {from} -> {to}: {place} of {file} ({times} times)");
                verdict.findings.push(line);
            }
        }
    }

    /// The room of a module: `Some(None)` for the module that has the rooms, `None` outside it.
    fn room<'a>(&'a self, module: &'a Module) -> Option<Option<&'a str>> {
        if module.crate_name != self.crate_name.replace('-', "_") {
            return None;
        }
        let within: Vec<&str> = self
            .within
            .split("::")
            .filter(|name| !name.is_empty())
            .collect();
        if module.path.len() < within.len() || module.path[..within.len()] != within[..] {
            return None;
        }
        let child = module.path.get(within.len()).map(String::as_str);
        Some(child.map(|child| {
            let holds = |(_, modules): &(_, &Vec<String>)| modules.iter().any(|name| name == child);
            self.rooms
                .iter()
                .find(holds)
                .map_or(child, |(room, _)| room.as_str())
        }))
    }

    fn ranks(&self) -> BTreeMap<&str, Rank> {
        let mut ranks = BTreeMap::new();
        for (level, rooms) in self.levels.iter().enumerate() {
            for (group, rooms) in rooms.split('|').enumerate() {
                for room in rooms.split(',') {
                    ranks.insert(room.trim(), Rank { level, group });
                }
            }
        }
        ranks
    }
}

/// Circles between the files of a crate.
fn judge_circles(source: &Source, arrows: &BTreeSet<Arrow>, verdict: &mut Verdict) {
    let mut next: BTreeMap<&Path, BTreeMap<&Path, &Arrow>> = BTreeMap::new();
    for arrow in arrows {
        let [from, to] = [arrow.from, arrow.to].map(|id| &source.modules[id]);
        if from.crate_name == to.crate_name
            && from.file != to.file
            && !from.transparent
            && !to.transparent
        {
            next.entry(&from.file)
                .or_default()
                .entry(&to.file)
                .or_insert(arrow);
        }
    }
    verdict.arrows = next.values().map(BTreeMap::len).sum();
    let mut done: BTreeSet<&Path> = BTreeSet::new();
    for &file in next.keys() {
        if done.contains(file) {
            continue;
        }
        let back: BTreeSet<&Path> = reach(&next, file)
            .into_iter()
            .filter(|other| reach(&next, other).contains(file))
            .collect();
        if !back.is_empty() {
            verdict.circles += 1;
            let mut text = format!("circle of {} files:", back.len());
            for other in &back {
                let _ = write!(text, " {}", other.display());
            }
            for from in &back {
                for (to, arrow) in next[from].iter().filter(|(to, _)| back.contains(*to)) {
                    let _ = write!(text, "\n    {} of {}", place(source, arrow), to.display());
                }
            }
            verdict.findings.push(text);
            done.extend(back);
        }
    }
}

/// All files that are reached by at least one arrow.
fn reach<'a>(
    next: &BTreeMap<&'a Path, BTreeMap<&'a Path, &Arrow>>,
    from: &Path,
) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Path> = vec![from];
    while let Some(file) = open.pop() {
        for to in next.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(*to) {
                open.push(to);
            }
        }
    }
    reached
}
