//! Who names what: every path in the source of a module, wherever it stands.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::resolve::Found;
use super::source::{ModuleId, Source, attributes, imports, is_test, plain};

/// One module names something that another defines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: ModuleId,
    pub(super) to: ModuleId,
    pub(super) line: usize,
    /// As it is written.
    pub(super) text: String,
    /// Whether it names something `#[doc(hidden)]`.
    pub(super) hidden: bool,
}

/// All arrows between different modules.
pub(super) fn arrows(source: &mut Source) -> BTreeSet<Arrow> {
    // Imports inside functions first: they name the paths that follow them.
    for id in 0..source.modules.len() {
        let mut local = LocalImports(Vec::new());
        for item in &source.modules[id].items {
            if !matches!(item, syn::Item::Use(_)) {
                local.visit_item(item);
            }
        }
        for import in local.0 {
            source.import(id, &import, false);
        }
    }
    let mut found = BTreeSet::new();
    for id in 0..source.modules.len() {
        let mut names = Names {
            source,
            module: id,
            found: &mut found,
        };
        for item in &source.modules[id].items {
            names.visit_item(item);
        }
    }
    found
}

struct LocalImports(Vec<super::source::Import>);

impl Visit<'_> for LocalImports {
    fn visit_item(&mut self, item: &syn::Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.0.append(&mut imports(&item.tree));
    }
}

struct Names<'a> {
    source: &'a Source,
    module: ModuleId,
    found: &'a mut BTreeSet<Arrow>,
}

/// Keys of serde's attributes whose value is a name in the data, not in the code.
const DATA: [&str; 8] = [
    "rename",
    "rename_all",
    "rename_all_fields",
    "alias",
    "tag",
    "content",
    "expecting",
    "feature",
];

impl Names<'_> {
    fn add(&mut self, targets: Vec<Found>, path: &[String], line: usize) {
        let home = &self.source.modules[self.module].crate_name;
        for target in targets {
            let theirs = &self.source.modules[target.module].crate_name;
            let hidden_method = |name| {
                self.source
                    .hidden_methods
                    .get(theirs)
                    .is_some_and(|hidden| hidden.contains(name))
            };
            let hidden = target.hidden || home != theirs && target.rest.iter().any(hidden_method);
            if target.module != self.module {
                self.found.insert(Arrow {
                    from: self.module,
                    to: target.module,
                    line,
                    text: path.join("::"),
                    hidden,
                });
            }
        }
    }

    /// A path outside `use`: what is only a module names nothing.
    fn path(&mut self, path: &[String], line: usize) {
        let mut targets = self.source.resolve(self.module, path);
        targets.retain(|target| !target.is_module);
        self.add(targets, path, line);
    }

    /// The paths in tokens that are not parsed: `a::b`, `$crate::a`, `name!`. Tokens out of a string
    /// have the line of the string.
    fn tokens(&mut self, tokens: TokenStream, line: Option<usize>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.tokens(group.stream(), line),
                TokenTree::Ident(first) => {
                    let line = line.unwrap_or_else(|| first.span().start().line);
                    let mut path = vec![plain(first)];
                    while let [
                        TokenTree::Punct(one),
                        TokenTree::Punct(two),
                        TokenTree::Ident(name),
                        ..,
                    ] = &tokens[at + 1..]
                        && (one.as_char(), two.as_char()) == (':', ':')
                    {
                        path.push(plain(name));
                        at += 3;
                    }
                    let called = matches!(tokens.get(at + 1), Some(TokenTree::Punct(mark)) if mark.as_char() == '!')
                        && matches!(tokens.get(at + 2), Some(TokenTree::Group(_)));
                    if called {
                        self.called(&path, line);
                    } else if path.len() > 1 {
                        self.path(&path, line);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn called(&mut self, path: &[String], line: usize) {
        let targets = match path {
            [name] => self.source.resolve_macro(self.module, name),
            _ => self.source.resolve(self.module, path),
        };
        self.add(
            targets
                .into_iter()
                .filter(|target| !target.is_module)
                .collect(),
            path,
            line,
        );
    }

    /// `#[serde(with = "path", default = "path", …)]`: code within strings.
    fn serde(&mut self, tokens: TokenStream, line: usize) {
        let mut key = String::new();
        for token in tokens {
            match token {
                TokenTree::Ident(word) => key = plain(&word),
                TokenTree::Literal(literal) if !DATA.contains(&key.as_str()) => {
                    let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) else {
                        continue;
                    };
                    if let Ok(path) = syn::parse_str::<syn::Path>(&text.value()) {
                        // Modules count: `with` names one.
                        let path = names(&path);
                        self.add(self.source.resolve(self.module, &path), &path, line);
                    }
                    if let Ok(tokens) = text.value().parse() {
                        self.tokens(tokens, Some(line));
                    }
                }
                TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
                    self.serde(group.stream(), line);
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for import in imports(&item.tree) {
            let targets = match import.name {
                Some(_) => self.source.resolve(self.module, &import.path),
                None => self.source.resolve_glob(self.module, &import.path),
            };
            self.add(targets, &import.path, import.line);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if let Some((path, _)) = &block.trait_ {
            let path = names(path);
            for method in block.items.iter().filter_map(|item| match item {
                syn::ImplItem::Fn(method) => Some(&method.sig.ident),
                _ => None,
            }) {
                let line = method.span().start().line;
                let method = [path.as_slice(), &[plain(method)]].concat();
                self.add(self.source.resolve(self.module, &method), &method, line);
            }
        }
        visit::visit_item_impl(self, block);
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        if !is_test(&method.attrs) {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.path(&names(path), path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.called(&names(&call.path), call.path.span().start().line);
        self.tokens(call.tokens.clone(), None);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let syn::Meta::List(list) = &attribute.meta else {
            return;
        };
        if attribute.path().is_ident("doc") {
            return;
        }
        self.tokens(list.tokens.clone(), None);
        if attribute.path().is_ident("serde") || attribute.path().is_ident("cfg_attr") {
            self.serde(list.tokens.clone(), list.path.span().start().line);
        }
    }

    /// `pub(in path)` opens something to a module; it does not use that.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}
}

fn names(path: &syn::Path) -> Vec<String> {
    path.segments
        .iter()
        .map(|segment| plain(&segment.ident))
        .collect()
}
