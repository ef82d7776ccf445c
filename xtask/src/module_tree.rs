//! The modules of a crate: in which file each is, what it defines and imports, and which paths it names. `#[cfg(test)]`
//! is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

/// The index of the crate's root.
const ROOT: usize = 0;

pub struct ModuleTree {
    modules: Vec<Module>,
}

/// A module in a file of its own, or within its parent's.
#[derive(Default)]
struct Module {
    file: PathBuf,
    parent: usize,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    imports: Vec<Import>,
    /// What is named outside of imports.
    paths: Vec<Vec<String>>,
}

struct Import {
    path: Vec<String>,
    /// What it is called here; none for `*` and `_`.
    name: Option<String>,
    is_glob: bool,
    is_public: bool,
}

/// What a path leads to.
#[derive(Clone, PartialEq, Eq)]
enum Target {
    Module(usize),
    /// An item of a module.
    Item(usize, String),
}

/// Names that are being looked up, each in a module: an import can lead back to itself.
type Pending = BTreeSet<(usize, String)>;

impl ModuleTree {
    /// Reads the modules of the crate that has its root in `file`.
    ///
    /// # Errors
    /// When a file cannot be read, or is no Rust.
    pub fn read(file: &Path) -> Result<Self> {
        let mut tree = Self { modules: Vec::new() };
        let directory = file.parent().context("the root has a directory")?;
        tree.add_file(file, directory, ROOT)?;
        Ok(tree)
    }

    /// Each name that a file takes from another one: the file that names it, the one that defines it, and the name.
    pub fn uses(&self) -> Vec<(&Path, &Path, String)> {
        let mut uses = Vec::new();
        for (number, module) in self.modules.iter().enumerate() {
            let imports = module.imports.iter().filter_map(|import| self.imported(number, import));
            let named = module.paths.iter().filter_map(|path| self.item(number, path));
            for (owner, name) in imports.chain(named) {
                let owner = &self.modules[owner];
                if owner.file != module.file {
                    uses.push((module.file.as_path(), owner.file.as_path(), name));
                }
            }
        }
        uses
    }

    /// What an import takes, and from where. Nothing where it passes on what a child defines.
    fn imported(&self, from: usize, import: &Import) -> Option<(usize, String)> {
        let (owner, name) = match self.resolve(from, &import.path, &mut Pending::new())? {
            Target::Item(owner, name) => (owner, name),
            Target::Module(owner) if import.is_glob => (owner, "*".to_owned()),
            Target::Module(_) => return None,
        };
        let is_passed_on = import.is_public && self.is_below(owner, from);
        (!is_passed_on).then_some((owner, name))
    }

    fn item(&self, from: usize, path: &[String]) -> Option<(usize, String)> {
        match self.resolve(from, path, &mut Pending::new())? {
            Target::Item(owner, name) => Some((owner, name)),
            Target::Module(_) => None,
        }
    }

    fn is_below(&self, module: usize, ancestor: usize) -> bool {
        let mut module = module;
        while module != ROOT && module != ancestor {
            module = self.modules[module].parent;
        }
        module == ancestor
    }

    /// What a path means in the module `from`; nothing where it leads out of the crate.
    fn resolve(&self, from: usize, path: &[String], pending: &mut Pending) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => Target::Module(ROOT),
            "self" => Target::Module(from),
            "super" => Target::Module(self.modules[from].parent),
            name => self.look_up(from, name, rest.is_empty(), pending)?,
        };
        let mut target = start;
        for (position, name) in rest.iter().enumerate() {
            // What follows an item is a part of it.
            let Target::Module(module) = target else { break };
            target = match name.as_str() {
                "self" => Target::Module(module),
                "super" => Target::Module(self.modules[module].parent),
                name => {
                    let found = self.look_up(module, name, position + 1 == rest.len(), pending);
                    found.unwrap_or_else(|| Target::Item(module, name.to_owned()))
                }
            };
        }
        Some(target)
    }

    /// What a module knows under a name. Before `::` it means a module rather than a function.
    fn look_up(&self, module: usize, name: &str, is_last: bool, pending: &mut Pending) -> Option<Target> {
        let Module { children, items, imports, .. } = &self.modules[module];
        let item = || items.contains(name).then(|| Target::Item(module, name.to_owned()));
        let child = || children.get(name).copied().map(Target::Module);
        if let Some(own) = if is_last { item().or_else(child) } else { child().or_else(item) } {
            return Some(own);
        }
        if !pending.insert((module, name.to_owned())) {
            return None;
        }
        let named = imports.iter().filter(|import| import.name.as_deref() == Some(name));
        let target = named.map(|import| &import.path).find_map(|path| self.resolve(module, path, pending));
        let target = target.or_else(|| self.look_up_in_globs(module, name, is_last, pending));
        pending.remove(&(module, name.to_owned()));
        target
    }

    fn look_up_in_globs(&self, module: usize, name: &str, is_last: bool, pending: &mut Pending) -> Option<Target> {
        let globs = self.modules[module].imports.iter().filter(|import| import.is_glob);
        globs.map(|import| &import.path).find_map(|path| match self.resolve(module, path, pending)? {
            Target::Module(source) => self.look_up(source, name, is_last, pending),
            Target::Item(..) => None,
        })
    }

    /// Adds the module of a file; those below it are in `directory`.
    fn add_file(&mut self, file: &Path, directory: &Path, parent: usize) -> Result<usize> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let syntax = syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?;
        self.add(file, directory, parent, &syntax.items)
    }

    fn add(&mut self, file: &Path, directory: &Path, parent: usize, items: &[Item]) -> Result<usize> {
        let number = self.modules.len();
        let mut module = Module { file: file.to_owned(), parent, ..Module::default() };
        for item in items {
            module.visit_item(item);
        }
        self.modules.push(module);
        for item in items {
            if let Item::Mod(child) = item
                && !is_test(&child.attrs)
            {
                let name = child.ident.to_string();
                let child = self.add_child(file, directory, number, child)?;
                self.modules[number].children.insert(name, child);
            }
        }
        Ok(number)
    }

    fn add_child(&mut self, file: &Path, directory: &Path, parent: usize, module: &ItemMod) -> Result<usize> {
        let name = module.ident.to_string();
        ensure!(!module.attrs.iter().any(|attribute| attribute.path().is_ident("path")), "{name} has a custom path");
        let directory = directory.join(&name);
        if let Some((_, items)) = &module.content {
            return self.add(file, &directory, parent, items);
        }
        let beside = directory.with_extension("rs");
        let file = if beside.is_file() { beside } else { directory.join("mod.rs") };
        self.add_file(&file, &directory, parent)
    }
}

impl Visit<'_> for Module {
    fn visit_item(&mut self, item: &Item) {
        if is_test(attributes(item)) {
            return;
        }
        self.items.extend(name_of(item));
        visit::visit_item(self, item);
    }

    /// Is a module of its own.
    fn visit_item_mod(&mut self, _: &ItemMod) {}

    fn visit_item_use(&mut self, item: &ItemUse) {
        if item.leading_colon.is_none() {
            let is_public = !matches!(item.vis, Visibility::Inherited);
            collect_imports(&item.tree, &[], is_public, &mut self.imports);
        }
    }

    fn visit_impl_item(&mut self, item: &ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if is_test(&function.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_attribute(&mut self, _: &Attribute) {}

    fn visit_path(&mut self, path: &syn::Path) {
        if path.leading_colon.is_none() {
            self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &Macro) {
        visit::visit_macro(self, call);
        collect_paths(call.tokens.clone(), &mut self.paths);
    }
}

fn collect_imports(tree: &UseTree, before: &[String], is_public: bool, imports: &mut Vec<Import>) {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => collect_imports(&path.tree, &with(&path.ident), is_public, imports),
        UseTree::Group(group) => group.items.iter().for_each(|tree| collect_imports(tree, before, is_public, imports)),
        UseTree::Glob(_) => imports.push(Import { path: before.to_vec(), name: None, is_glob: true, is_public }),
        UseTree::Name(name) => {
            let path = with(&name.ident);
            // `a::{self}` is called `a`.
            let name = path.iter().rfind(|name| *name != "self").cloned();
            imports.push(Import { path, name, is_glob: false, is_public });
        }
        UseTree::Rename(rename) => {
            let name = Some(rename.rename.to_string()).filter(|name| name != "_");
            imports.push(Import { path: with(&rename.ident), name, is_glob: false, is_public });
        }
    }
}

/// The paths of a macro's arguments, which are not parsed.
fn collect_paths(tokens: TokenStream, paths: &mut Vec<Vec<String>>) {
    let mut path: Vec<String> = Vec::new();
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
            TokenTree::Ident(name) => {
                if colons != 2 {
                    paths.push(std::mem::take(&mut path));
                }
                path.push(name.to_string());
                colons = 0;
            }
            other => {
                paths.push(std::mem::take(&mut path));
                colons = 0;
                if let TokenTree::Group(group) = other {
                    collect_paths(group.stream(), paths);
                }
            }
        }
    }
    paths.push(path);
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
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
        _ => &[],
    }
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
