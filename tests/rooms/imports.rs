//! Who imports whom in a crate, read from its source: `use` lines, and paths in code, macros and attributes. Tests are
//! left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::fs;
use std::path::Path;

use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, Meta, UseTree};

/// The files of a crate without its tests, and what they import from each other.
pub struct Crate {
    imports: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    /// The files whose modules are only there in tests.
    tests: Vec<String>,
}

/// One file that imports another.
pub struct Import<'a> {
    pub from: &'a str,
    pub to: &'a str,
    names: &'a BTreeSet<String>,
}

impl fmt::Display for Import<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        write!(formatter, "{} -> {}: {}", self.from, self.to, names.join(", "))
    }
}

impl Crate {
    /// The crate whose `lib.rs` or `main.rs` lies in `source`.
    pub fn read(source: &Path) -> Self {
        let root = if source.join("lib.rs").exists() { "lib.rs" } else { "main.rs" };
        Self::load(root, |file| fs::read_to_string(source.join(file)).ok())
    }

    /// A crate of these files and their texts, with a `lib.rs` among them.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self::load("lib.rs", |file| files.iter().find(|(name, _)| *name == file).map(|(_, text)| (*text).to_owned()))
    }

    fn load(root: &str, read: impl Fn(&str) -> Option<String>) -> Self {
        let mut modules = Modules {
            files: BTreeMap::from([(Vec::new(), root.to_owned())]),
            macros: BTreeMap::new(),
            tests: Vec::new(),
        };
        let mut parsed = Vec::new();
        let mut unread = vec![(Vec::new(), root.to_owned())];
        while let Some((module, file)) = unread.pop() {
            let text = read(&file).unwrap_or_else(|| panic!("there is no {file}"));
            let code = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            let folder = if module.is_empty() { "" } else { file.strip_suffix(".rs").unwrap_or(&file) };
            unread.extend(modules.add(&code.items, &module, &file, folder));
            parsed.push((module, file, code));
        }
        let mut imports = BTreeMap::new();
        for (module, file, code) in parsed {
            let mut reader = Reader { modules: &modules, file: &file, module, found: BTreeMap::new() };
            reader.visit_file(&code);
            let found = reader.found;
            imports.insert(file, found);
        }
        Self { imports, tests: modules.tests }
    }

    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.imports.keys().map(String::as_str)
    }

    pub fn imports(&self) -> impl Iterator<Item = Import<'_>> {
        self.imports.iter().flat_map(|(from, found)| found.iter().map(move |(to, names)| Import { from, to, names }))
    }

    /// The files with code below `source` that no module names.
    pub fn never_read(&self, source: &Path) -> Vec<String> {
        let mut left_out = Vec::new();
        let mut folders = vec![source.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                if path.extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                let file = path.strip_prefix(source).unwrap().display().to_string();
                let is_test = self.tests.iter().any(|test| {
                    file == *test
                        || file.strip_prefix(test.trim_end_matches(".rs")).is_some_and(|it| it.starts_with('/'))
                });
                let is_root = ["lib.rs", "main.rs"].contains(&file.as_str());
                if !is_test && !is_root && !self.imports.contains_key(&file) {
                    left_out.push(file);
                }
            }
        }
        left_out
    }

    /// For each set of files that reach each other, a shortest circle through one of them, an import a line.
    pub fn circles(&self) -> Vec<String> {
        let mut told = BTreeSet::new();
        let mut circles = Vec::new();
        for file in self.files() {
            if told.contains(file) {
                continue;
            }
            if let Some(circle) = self.way_back(file) {
                let reached = self.reached(file);
                told.extend(reached.into_iter().filter(|other| self.reached(other).contains(file)));
                circles.push(circle);
            }
        }
        circles
    }

    fn reached<'a>(&'a self, file: &'a str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut next = vec![file];
        while let Some(from) = next.pop() {
            next.extend(self.imports[from].keys().map(String::as_str).filter(|to| reached.insert(*to)));
        }
        reached
    }

    /// A shortest way from a file over its imports back to it.
    fn way_back(&self, file: &str) -> Option<String> {
        let mut before = BTreeMap::new();
        let mut next = VecDeque::from([file]);
        while let Some(from) = next.pop_front() {
            for to in self.imports[from].keys() {
                if before.contains_key(to.as_str()) {
                    continue;
                }
                before.insert(to.as_str(), from);
                next.push_back(to);
            }
        }
        let mut steps = Vec::new();
        let mut to = file;
        loop {
            let from = *before.get(to)?;
            let names = &self.imports[from][to];
            steps.push(format!("  {}", Import { from, to, names }));
            to = from;
            if to == file {
                steps.reverse();
                return Some(steps.join("\n"));
            }
        }
    }
}

/// Which file each module of a crate stands in, by the module's path.
struct Modules {
    files: BTreeMap<Vec<String>, String>,
    /// Which file a macro with `#[macro_export]` stands in: its path is `crate::name` wherever it does.
    macros: BTreeMap<String, String>,
    tests: Vec<String>,
}

impl Modules {
    /// Adds the modules that `items` of a file declare, and gives those with a file of their own.
    fn add(&mut self, items: &[Item], module: &[String], file: &str, folder: &str) -> Vec<(Vec<String>, String)> {
        let mut unread = Vec::new();
        for item in items {
            if let Item::Macro(defined) = item
                && let Some(name) = &defined.ident
                && defined.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"))
            {
                self.macros.insert(name.to_string(), file.to_owned());
            }
            let Item::Mod(declared) = item else { continue };
            let name = declared.ident.to_string();
            let path = [module, std::slice::from_ref(&name)].concat();
            let inner_folder = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let own_file = format!("{inner_folder}.rs");
            let is_test = only_in_tests(&declared.attrs);
            match &declared.content {
                // A module in this file, too, may have files of its own below it.
                _ if is_test => self.tests.push(own_file),
                None => {
                    self.files.insert(path.clone(), own_file.clone());
                    unread.push((path, own_file));
                }
                Some((_, inner)) => {
                    self.files.insert(path.clone(), file.to_owned());
                    unread.extend(self.add(inner, &path, file, &inner_folder));
                }
            }
        }
        unread
    }
}

/// Whether `#[cfg(test)]` or `#[cfg(all(test, …))]` is among the attributes.
fn only_in_tests(attributes: &[Attribute]) -> bool {
    fn needs_test(condition: &Meta) -> bool {
        match condition {
            Meta::Path(path) => path.is_ident("test"),
            Meta::List(list) if list.path.is_ident("all") => list
                .parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)
                .is_ok_and(|all| all.iter().any(needs_test)),
            _ => false,
        }
    }
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<Meta>().is_ok_and(|condition| needs_test(&condition))
    })
}

/// Reads the imports of one file.
struct Reader<'a> {
    modules: &'a Modules,
    file: &'a str,
    /// The module of what is being read, which lies deeper than the file's inside of `mod name { … }`.
    module: Vec<String>,
    found: BTreeMap<String, BTreeSet<String>>,
}

impl Reader<'_> {
    /// Notes a path as an import of the file that the longest part of it names, unless it leads out of the crate.
    fn note(&mut self, segments: &[String]) {
        let Some(first) = segments.first() else { return };
        let (mut base, rest) = match first.as_str() {
            "crate" => (Vec::new(), &segments[1..]),
            "self" => (self.module.clone(), &segments[1..]),
            "super" => (self.module.clone(), segments),
            name => {
                let child = [self.module.as_slice(), &[name.to_owned()]].concat();
                if !self.modules.files.contains_key(&child) {
                    return;
                }
                (self.module.clone(), segments)
            }
        };
        let ups = rest.iter().take_while(|segment| *segment == "super").count();
        base.truncate(base.len().saturating_sub(ups));
        let mut names = rest[ups..].iter().peekable();
        while let Some(name) = names.peek() {
            base.push((*name).clone());
            if !self.modules.files.contains_key(&base) {
                base.pop();
                break;
            }
            names.next();
        }
        let defined = names.peek().filter(|_| base.is_empty()).and_then(|name| self.modules.macros.get(*name));
        let file = defined.unwrap_or(&self.modules.files[&base]);
        if file != self.file {
            let name = names.next().or(base.last()).map_or("crate", String::as_str);
            self.found.entry(file.clone()).or_default().insert(name.to_owned());
        }
    }

    fn note_tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.note_tree(&path.tree, &with(&path.ident)),
            UseTree::Name(name) if name.ident == "self" => self.note(before),
            UseTree::Name(name) => self.note(&with(&name.ident)),
            UseTree::Rename(rename) if rename.ident == "self" => self.note(before),
            UseTree::Rename(rename) => self.note(&with(&rename.ident)),
            UseTree::Glob(_) => self.note(&[before, &["*".to_owned()]].concat()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_tree(tree, before)),
        }
    }

    /// Notes the paths in tokens that no parser of ours understands.
    fn note_tokens(&mut self, mut cursor: Cursor<'_>) {
        let mut path = Vec::new();
        let mut colons = 0;
        let mut with = false;
        loop {
            let ident = cursor.ident();
            if let Some((name, rest)) = ident {
                if colons != 2 {
                    self.note_code(&path);
                    path.clear();
                }
                with = ["with", "default", "remote"].iter().any(|end| name.to_string().ends_with(end));
                path.push(name.to_string());
                (cursor, colons) = (rest, 0);
                continue;
            }
            if let Some((mark, rest)) = cursor.punct()
                && mark.as_char() == ':'
            {
                (cursor, colons) = (rest, colons + 1);
                continue;
            }
            self.note_code(&path);
            path.clear();
            colons = 0;
            if let Some((inner, _, _, rest)) = cursor.any_group() {
                self.note_tokens(inner);
                cursor = rest;
            } else if let Some((literal, rest)) = cursor.literal() {
                // As in `#[serde(with = "crate::pairs")]`.
                if with && let Ok(path) = syn::parse_str::<syn::LitStr>(&literal.to_string()).and_then(|it| it.parse())
                {
                    self.note(&segments(&path));
                }
                with = false;
                cursor = rest;
            } else if let Some((mark, rest)) = cursor.punct() {
                with &= mark.as_char() == '=';
                cursor = rest;
            } else if let Some((_, rest)) = cursor.token_tree() {
                cursor = rest;
            } else {
                return;
            }
        }
    }

    /// Notes a path in code, where a single name is one of the file's own or was imported by a `use`.
    fn note_code(&mut self, path: &[String]) {
        if path.len() > 1 {
            self.note(path);
        }
    }
}

fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Type(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !only_in_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if only_in_tests(&function.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.note_tree(&item.tree, &[]);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.note_code(&segments(path));
        }
        visit::visit_path(self, path);
    }

    /// `pub(in crate::a)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        visit::visit_macro(self, invoked);
        self.note_tokens(TokenBuffer::new2(invoked.tokens.clone()).begin());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.note_tokens(TokenBuffer::new2(list.tokens.clone()).begin());
        }
    }
}

/// The imports of `a.rs` in a crate that has the modules `a`, with the child `child`, and `b`, with the child `inner`.
fn imports_of(text: &str) -> Vec<String> {
    let read = Crate::of(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", &format!("mod child; {text}")),
        ("a/child.rs", ""),
        ("b.rs", "pub mod inner; #[macro_export] macro_rules! shout { () => { $crate::shout!(1) } }"),
        ("b/inner.rs", ""),
    ]);
    let found = read.imports().filter(|import| import.from == "a.rs").map(|import| import.to_string());
    found.collect()
}

#[test]
fn an_import_is_found_wherever_it_is_written() {
    let inner = ["a.rs -> b/inner.rs: X"];
    for text in [
        "use crate::b::inner::X;",
        "pub(crate) use super::b::inner::X as Y;",
        "use crate::{b::{inner::{X}}};",
        "fn f() -> crate::b::inner::X {}",
        "fn f() { use crate::b::inner::X; }",
        "fn f() { crate::b::inner::X::new(1) }",
        "fn f() { let _: Vec<(u8, super::b::inner::X)>; }",
        "fn f() { assert!(true, \"{}\", g(crate::b::inner::X)) }",
        "mod deeper { fn f() { super::super::b::inner::X } }",
        "struct S { #[serde(deserialize_with = \"crate::b::inner::X\")] field: u8 }",
        "#[derive(crate::b::inner::X)] struct S;",
        "impl crate::b::inner::X for u8 {}",
    ] {
        assert_eq!(imports_of(text), inner, "{text}");
    }
    assert_eq!(imports_of("use crate::b::inner::{self, *};"), ["a.rs -> b/inner.rs: *, inner"]);
    assert_eq!(imports_of("pub use child::X;"), ["a.rs -> a/child.rs: X"]);
    assert_eq!(imports_of("fn f() { child::x() }"), ["a.rs -> a/child.rs: x"]);
    assert_eq!(imports_of("struct S { #[serde(with = \"child\")] field: u8 }"), ["a.rs -> a/child.rs: child"]);
    assert_eq!(imports_of("crate::shout!();"), ["a.rs -> b.rs: shout"]);
    assert_eq!(imports_of("use crate::X;"), ["a.rs -> lib.rs: X"]);
}

#[test]
fn what_is_no_import_is_not_found() {
    for text in [
        "use std::fmt; use b::X; use ::child::X; use self::Own;",
        "pub(in crate::b) fn f() {}",
        "// crate::b::inner::X\nconst TEXT: &str = \"crate::b::inner::X\";",
        "#[serde(rename = \"child\")] struct S;",
        "#[cfg(test)] use crate::b::inner::X;",
        "#[cfg(all(test, feature = \"s3\"))] mod tests { use crate::b::inner::X; }",
        "impl S { #[cfg(test)] fn f() { crate::b::inner::X } }",
        "mod deeper { use super::Own; }",
    ] {
        assert_eq!(imports_of(text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(imports_of("#[cfg(any(test, feature = \"write\"))] use crate::b::X;"), ["a.rs -> b.rs: X"]);
}

#[test]
fn a_circle_of_files_is_found_and_told_import_by_import() {
    let read = Crate::of(&[
        ("lib.rs", "mod a; mod b; mod c; mod parent;"),
        ("a.rs", "use crate::b::{B, C};"),
        ("b.rs", "fn f() { format!(\"{}\", crate::c::x()) }"),
        ("c.rs", "use crate::a::A; use crate::b::B;"),
        ("parent.rs", "mod child; use child::read; pub struct Shared;"),
        ("parent/child.rs", "use super::Shared; fn f() { crate::a::f() }"),
    ]);
    assert_eq!(
        read.circles(),
        [
            "  a.rs -> b.rs: B, C\n  b.rs -> c.rs: x\n  c.rs -> a.rs: A",
            "  parent.rs -> parent/child.rs: read\n  parent/child.rs -> parent.rs: Shared"
        ]
    );
}

#[test]
fn an_arrow_that_points_down_is_no_circle() {
    let read = Crate::of(&[
        ("lib.rs", "mod a; pub use a::Shared;"),
        ("a.rs", "mod child; mod shared; use child::read; pub use shared::Shared;"),
        ("a/child.rs", "use super::shared::Shared;"),
        ("a/shared.rs", "#[cfg(test)] mod tests { use super::super::child::read; }"),
    ]);
    assert_eq!(read.circles(), Vec::<String>::new());
}
