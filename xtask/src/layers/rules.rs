//! What is wrong with the arrows: those that run upward, circles, and private seams.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
        let names = self.within.split("::").filter(|name| !name.is_empty());
        let within: Vec<String> = names.map(str::to_owned).collect();
        if !module.owner.starts_with(&within) {
            return None;
        }
        let child = module.owner.get(within.len()).map(String::as_str);
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

/// The arrows between files, by both ends.
type Graph<'a> = BTreeMap<&'a Path, BTreeMap<&'a Path, &'a Arrow>>;

/// How many of the shortest circles are shown among files that use each other.
const SHOWN: usize = 12;

/// Circles between the files of a crate.
fn judge_circles(source: &Source, arrows: &BTreeSet<Arrow>, verdict: &mut Verdict) {
    let mut graph = Graph::new();
    for arrow in arrows {
        let [from, to] = [arrow.from, arrow.to].map(|id| &source.modules[id]);
        let nodes = from.file != to.file && !from.transparent && !to.transparent;
        if from.crate_name == to.crate_name && nodes {
            graph
                .entry(&from.file)
                .or_default()
                .entry(&to.file)
                .or_insert(arrow);
        }
    }
    verdict.arrows = graph.values().map(BTreeMap::len).sum();
    let mut done: BTreeSet<&Path> = BTreeSet::new();
    for &file in graph.keys() {
        if done.contains(file) {
            continue;
        }
        let members: BTreeSet<&Path> = reach(&graph, file)
            .into_keys()
            .filter(|other| reach(&graph, other).contains_key(file))
            .collect();
        if members.is_empty() {
            continue;
        }
        verdict.circles += 1;
        let mut text = format!("circle: {} files use each other", members.len());
        let shortest: BTreeSet<_> = members.iter().map(|file| shortest(&graph, file)).collect();
        let mut shortest: Vec<_> = shortest.into_iter().collect();
        shortest.sort_by_key(Vec::len);
        for circle in shortest.into_iter().take(SHOWN) {
            text.push_str("\n   ");
            for arrow in circle {
                let _ = write!(text, " -> {}", place(source, arrow));
            }
        }
        verdict.findings.push(text);
        done.extend(members);
    }
}

/// A shortest way from a file back to itself, which there is; from its least arrow on.
fn shortest<'a>(graph: &Graph<'a>, file: &'a Path) -> Vec<&'a Arrow> {
    let before = reach(graph, file);
    let mut circle = Vec::new();
    let mut at = file;
    loop {
        let from = before[at];
        circle.push(graph[from][at]);
        at = from;
        if at == file {
            break;
        }
    }
    circle.reverse();
    let least = (0..circle.len())
        .min_by_key(|index| circle[*index])
        .unwrap_or(0);
    circle.rotate_left(least);
    circle
}

/// All files that are reached by at least one arrow, nearest first, each with the one before it.
fn reach<'a>(graph: &Graph<'a>, from: &'a Path) -> BTreeMap<&'a Path, &'a Path> {
    let mut before = BTreeMap::new();
    let mut open = VecDeque::from([from]);
    while let Some(file) = open.pop_front() {
        for &to in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            if !before.contains_key(to) {
                before.insert(to, file);
                open.push_back(to);
            }
        }
    }
    before
}
