//! What a path stands for: re-exports are followed to the module that defines the item.

use super::source::{Means, ModuleId, Source};

/// One thing that a path stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The module itself, or the one that defines the item.
    pub(super) module: ModuleId,
    pub(super) is_module: bool,
    /// Whether a name on the way is `#[doc(hidden)]`.
    pub(super) hidden: bool,
    /// Names after that of the item: methods, variants.
    pub(super) rest: Vec<String>,
}

/// Names already asked for: imports may go in circles.
type Asked = Vec<(ModuleId, String)>;

impl Source {
    /// All things that a path stands for in a module; none for what is in no crate that was read.
    pub(super) fn resolve(&self, from: ModuleId, path: &[String]) -> Vec<Found> {
        self.resolve_path(from, path, &mut Vec::new())
    }

    fn resolve_path(&self, from: ModuleId, path: &[String], asked: &mut Asked) -> Vec<Found> {
        let Some((first, rest)) = path.split_first() else {
            return Vec::new();
        };
        let mut found = self.first(from, first, asked);
        for name in rest {
            found = found
                .into_iter()
                .flat_map(|found| self.next(found, name, asked))
                .collect();
        }
        found
    }

    fn first(&self, from: ModuleId, name: &str, asked: &mut Asked) -> Vec<Found> {
        let root = |name: &str| self.roots.get(name).copied();
        let module = match name {
            "crate" => root(&self.modules[from].crate_name),
            "self" => Some(from),
            "super" => self.modules[from].parent,
            _ => {
                let found = self.lookup(from, name, asked);
                if !found.is_empty() {
                    return found;
                }
                root(name)
            }
        };
        module.map(Found::of_module).into_iter().collect()
    }

    fn next(&self, mut found: Found, name: &str, asked: &mut Asked) -> Vec<Found> {
        if !found.is_module {
            found.rest.push(name.to_owned());
            return vec![found];
        }
        if name == "super" {
            return self.modules[found.module]
                .parent
                .map(Found::of_module)
                .into_iter()
                .collect();
        }
        let mut next = self.lookup(found.module, name, asked);
        for next in &mut next {
            next.hidden |= found.hidden;
        }
        if next.is_empty() && !self.imports(found.module, name) {
            // A macro has made it, or the path is wrong: the module is known at least.
            next.push(Found {
                is_module: false,
                ..found
            });
        }
        next
    }

    /// Whether a module gets this name from elsewhere, for instance from another crate.
    fn imports(&self, module: ModuleId, name: &str) -> bool {
        self.modules[module].names.contains_key(name)
    }

    fn lookup(&self, module: ModuleId, name: &str, asked: &mut Asked) -> Vec<Found> {
        let question = (module, name.to_owned());
        if asked.contains(&question) {
            return Vec::new();
        }
        asked.push(question);
        let mut found = Vec::new();
        for known in self.modules[module].names.get(name).into_iter().flatten() {
            let mut means = match &known.means {
                Means::Module(module) => vec![Found::of_module(*module)],
                Means::Item => vec![Found {
                    is_module: false,
                    ..Found::of_module(module)
                }],
                Means::Import(path) => self.resolve_path(module, path, asked),
            };
            for found in &mut means {
                found.hidden |= known.hidden;
            }
            found.append(&mut means);
        }
        if found.is_empty() {
            for glob in &self.modules[module].globs {
                for target in self.resolve_path(module, glob, asked) {
                    if target.is_module {
                        found.append(&mut self.lookup(target.module, name, asked));
                    }
                }
            }
        }
        asked.pop();
        found
    }

    /// Everything that a glob brings in.
    pub(super) fn resolve_glob(&self, from: ModuleId, path: &[String]) -> Vec<Found> {
        let mut found = self.resolve(from, path);
        for target in found.clone() {
            if target.is_module {
                for name in self.modules[target.module].names.keys() {
                    found.append(&mut self.lookup(target.module, name, &mut Vec::new()));
                }
            }
        }
        found
    }

    /// Where a macro that is named without a path is defined: here, or textually above.
    pub(super) fn resolve_macro(&self, from: ModuleId, name: &str) -> Vec<Found> {
        let mut module = Some(from);
        while let Some(id) = module {
            let found = self.lookup(id, name, &mut Vec::new());
            if !found.is_empty() {
                return found;
            }
            module = self.modules[id].parent;
        }
        Vec::new()
    }
}

impl Found {
    fn of_module(module: ModuleId) -> Self {
        Self {
            module,
            is_module: true,
            hidden: false,
            rest: Vec::new(),
        }
    }
}
