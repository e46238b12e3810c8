//! The modules of a crate, read from its source: which names each declares, imports and hides.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Ident, ImplItem, Item, TraitItem, UseTree};

use crate::Failure;

/// Index of a module in [`Source::modules`].
pub(super) type ModuleId = usize;

/// The source of all crates, in one table of modules.
#[derive(Default)]
pub(super) struct Source {
    pub(super) modules: Vec<Module>,
    /// The root module of each crate, by the name that code uses.
    pub(super) roots: BTreeMap<String, ModuleId>,
    /// Methods that are `#[doc(hidden)]`, by crate.
    pub(super) hidden_methods: BTreeMap<String, BTreeSet<String>>,
}

pub(super) struct Module {
    pub(super) crate_name: String,
    /// Names from the root of the crate; empty for the root itself.
    pub(super) path: Vec<String>,
    /// The same of the module that it belongs to: an inline module that only re-exports belongs to
    /// the one that declares it.
    pub(super) owner: Vec<String>,
    pub(super) file: PathBuf,
    pub(super) parent: Option<ModuleId>,
    pub(super) items: Vec<Item>,
    pub(super) names: BTreeMap<String, Vec<Name>>,
    pub(super) globs: Vec<Vec<String>>,
    /// Whether the module only declares modules and imports names.
    pub(super) transparent: bool,
}

/// What a name in a module stands for.
#[derive(Clone)]
pub(super) struct Name {
    pub(super) means: Means,
    pub(super) hidden: bool,
}

#[derive(Clone)]
pub(super) enum Means {
    Module(ModuleId),
    Item,
    /// What this path, seen from the same module, stands for.
    Import(Vec<String>),
}

/// One path of a `use`, with the name it gets.
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// `None` for a glob.
    pub(super) name: Option<String>,
    pub(super) line: usize,
}

impl Source {
    /// Reads a crate, given the file of its root module.
    pub(super) fn read_crate(&mut self, name: &str, root: &Path) -> Result<(), Failure> {
        let name = name.replace('-', "_");
        let children = root.parent().expect("a file is in a folder").to_path_buf();
        let items = parse(root)?;
        let id = self.read_module(&name, Vec::new(), None, root, &children, items)?;
        self.roots.insert(name, id);
        Ok(())
    }

    fn read_module(
        &mut self,
        crate_name: &str,
        path: Vec<String>,
        parent: Option<ModuleId>,
        file: &Path,
        children: &Path,
        mut items: Vec<Item>,
    ) -> Result<ModuleId, Failure> {
        items.retain(|item| !is_test(attributes(item)));
        let id = self.modules.len();
        let transparent = items
            .iter()
            .all(|item| matches!(item, Item::Mod(_) | Item::Use(_) | Item::ExternCrate(_)));
        self.modules.push(Module {
            crate_name: crate_name.to_owned(),
            owner: path.clone(),
            path,
            file: file.to_path_buf(),
            parent,
            items: Vec::new(),
            names: BTreeMap::new(),
            globs: Vec::new(),
            transparent,
        });
        for item in &mut items {
            self.declare(id, item, children)?;
        }
        self.modules[id].items = items;
        Ok(id)
    }

    /// Enters the names that an item declares, and reads the module if it is one.
    fn declare(&mut self, id: ModuleId, item: &mut Item, children: &Path) -> Result<(), Failure> {
        let hidden = is_hidden(attributes(item));
        match item {
            Item::Mod(module) => {
                let name = plain(&module.ident);
                let (file, children, items) = match module.content.take() {
                    Some((_, items)) => {
                        (self.modules[id].file.clone(), children.join(&name), items)
                    }
                    None => {
                        let file = module_file(&module.attrs, children, &name)?;
                        let items = parse(&file)?;
                        (file, children.join(&name), items)
                    }
                };
                let mut path = self.modules[id].path.clone();
                path.push(name.clone());
                let crate_name = self.modules[id].crate_name.clone();
                let child =
                    self.read_module(&crate_name, path, Some(id), &file, &children, items)?;
                if self.modules[child].transparent
                    && self.modules[child].file == self.modules[id].file
                {
                    self.modules[child].owner = self.modules[id].owner.clone();
                }
                self.add(id, &name, Means::Module(child), hidden);
            }
            Item::Use(item) => {
                for import in imports(&item.tree) {
                    self.import(id, &import, hidden);
                }
            }
            Item::Impl(block) => {
                for item in &block.items {
                    if let ImplItem::Fn(method) = item
                        && is_hidden(&method.attrs)
                    {
                        self.hide_method(id, &method.sig.ident);
                    }
                }
            }
            Item::Trait(declared) => {
                self.add(id, &plain(&declared.ident), Means::Item, hidden);
                for item in &declared.items {
                    if let TraitItem::Fn(method) = item
                        && is_hidden(&method.attrs)
                    {
                        self.hide_method(id, &method.sig.ident);
                    }
                }
            }
            Item::Macro(declared) => {
                if let Some(name) = &declared.ident {
                    self.add(id, &plain(name), Means::Item, hidden);
                }
            }
            _ => {
                if let Some(name) = declared_name(item) {
                    self.add(id, &name, Means::Item, hidden);
                }
            }
        }
        Ok(())
    }

    /// Enters an imported name, or the module whose names are all imported.
    pub(super) fn import(&mut self, id: ModuleId, import: &Import, hidden: bool) {
        match &import.name {
            Some(name) => self.add(id, name, Means::Import(import.path.clone()), hidden),
            None => self.modules[id].globs.push(import.path.clone()),
        }
    }

    fn add(&mut self, id: ModuleId, name: &str, means: Means, hidden: bool) {
        let names = self.modules[id].names.entry(name.to_owned()).or_default();
        names.push(Name { means, hidden });
    }

    fn hide_method(&mut self, id: ModuleId, name: &Ident) {
        let methods = self
            .hidden_methods
            .entry(self.modules[id].crate_name.clone())
            .or_default();
        methods.insert(plain(name));
    }
}

fn parse(file: &Path) -> Result<Vec<Item>, Failure> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let file = syn::parse_file(&text).map_err(|error| {
        let line = error.span().start().line;
        format!("{}:{line}: {error}", file.display())
    })?;
    Ok(file.items)
}

/// The file of `mod name;` in a module whose children are in this folder.
fn module_file(attrs: &[Attribute], children: &Path, name: &str) -> Result<PathBuf, Failure> {
    if attrs.iter().any(|attr| attr.path().is_ident("path")) {
        let children = children.display();
        return Err(format!(
            "mod {name} in {children} has a path of its own, which hides its place"
        )
        .into());
    }
    let file = children.join(format!("{name}.rs"));
    if file.exists() {
        return Ok(file);
    }
    Ok(children.join(name).join("mod.rs"))
}

/// The name of an item, without the `r#` that it may need.
pub(super) fn plain(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

fn declared_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(plain(name))
}

pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether something is compiled for tests alone: `#[test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`.
pub(super) fn is_test(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| {
        let condition = || match &attr.meta {
            syn::Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        attr.path().is_ident("test") || attr.path().is_ident("cfg") && needs_test(condition())
    })
}

fn needs_test(condition: TokenStream) -> bool {
    let is_test = |word: &Ident| word == "test" || word == "doctest";
    let tokens: Vec<TokenTree> = condition.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(word)] => is_test(word),
        [TokenTree::Ident(word), TokenTree::Group(group)] if word == "all" => {
            let all = group.stream().into_iter();
            all.into_iter()
                .any(|token| matches!(token, TokenTree::Ident(word) if is_test(&word)))
        }
        _ => false,
    }
}

fn is_hidden(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| match &attr.meta {
        syn::Meta::List(list) => attr.path().is_ident("doc") && list.tokens.to_string() == "hidden",
        _ => false,
    })
}

/// All paths of a `use`, groups and renames taken apart. A glob has no name.
pub(super) fn imports(tree: &UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    walk(tree, &mut Vec::new(), &mut found);
    found
}

fn walk(tree: &UseTree, path: &mut Vec<String>, found: &mut Vec<Import>) {
    let mut leaf = |last: &Ident, name: &Ident| {
        let mut path = path.clone();
        let mut name = plain(name);
        // `a::{self}` is `a`, under its own name or another.
        if last != "self" {
            path.push(plain(last));
        } else if name == "self" {
            name = path.last().cloned().unwrap_or(name);
        }
        found.push(Import {
            path,
            name: Some(name),
            line: last.span().start().line,
        });
    };
    match tree {
        UseTree::Path(tree) => {
            path.push(plain(&tree.ident));
            walk(&tree.tree, path, found);
            path.pop();
        }
        UseTree::Name(tree) => leaf(&tree.ident, &tree.ident),
        UseTree::Rename(tree) => leaf(&tree.ident, &tree.rename),
        UseTree::Glob(tree) => {
            let line = tree.star_token.spans[0].start().line;
            found.push(Import {
                path: path.clone(),
                name: None,
                line,
            });
        }
        UseTree::Group(tree) => {
            for tree in &tree.items {
                walk(tree, path, found);
            }
        }
    }
}
