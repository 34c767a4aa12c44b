//! What is new in a draft, added to a file that exists. What a person decided stays: nothing is taken out or renamed.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::config::draft::entries::{Given, Names, Used, entry};
use crate::config::draft::refused::Refused;
use crate::config::draft::write::{concluded, is_pattern};
use crate::config::edit::{Holder, Item, Page, render, written};
use crate::config::load;
use crate::config::problem::Invalid;
use crate::config::source::{Directory, FILE, Source};
use crate::model::cycle::cycles;
use crate::model::draft::{Concluded, Draft, DraftEdge, DraftService};
use crate::model::name::ServiceName;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::task::Need;
use crate::model::workspace::Workspace;

/// A file with what was new, and what there is to tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    pub text: String,
    pub services: Vec<AddedService>,
    /// Dependencies of services that were declared before.
    pub edges: Vec<Edge>,
    /// Elements of lists of `[workspace]`.
    pub workspace: Vec<String>,
    /// Dependencies that would have closed a circle with what the file says.
    pub circles: Vec<Edge>,
    /// Dependencies of services that an included file declares, which is not edited.
    pub elsewhere: Vec<Edge>,
    /// Services whose directory does not exist any more.
    pub gone: Vec<(ServiceName, FilePath)>,
    /// What comments say is not wanted, wherever they stand.
    pub refused: BTreeSet<String>,
}

/// A service that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedService {
    pub name: ServiceName,
    pub path: FilePath,
    /// What the draft calls it, where another service has that name.
    pub instead_of: Option<ServiceName>,
}

/// A dependency, by the names of the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: ServiceName,
    pub to: ServiceName,
}

/// Why a file was not updated.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    #[error("read `services.toml`")]
    Read(#[source] io::Error),
    /// What is wrong with the file as it is.
    #[error("`services.toml` is not valid")]
    Existing(#[source] Invalid),
    /// What would be wrong with it.
    #[error("with what is new, `services.toml` would not be valid")]
    Result(#[source] Invalid),
}

/// The file of `source` with what only `draft` has. Done again, it adds nothing.
///
/// # Errors
/// That the file is not valid, or would not be.
pub fn update(source: &dyn Source, draft: &Draft) -> Result<Updated, UpdateError> {
    let bytes = source
        .read(&FilePath::from(FILE))
        .map_err(UpdateError::Read)?;
    let bytes = bytes.ok_or_else(|| UpdateError::Read(io::ErrorKind::NotFound.into()))?;
    let before = Kept {
        source,
        text: &bytes,
    };
    let workspace = load(&before).map_err(UpdateError::Existing)?.workspace;
    let text = String::from_utf8_lossy(&bytes);
    let Ok(page) = Page::read(&text) else {
        // Both readers agree on what is TOML, as a test of theirs shows.
        return Err(UpdateError::Read(io::ErrorKind::InvalidData.into()));
    };
    let mut work = Work::new(&workspace, draft, source, page);
    work.name_services();
    work.add_edges();
    work.add_services();
    work.add_to_workspace();
    let mut updated = work.updated;
    updated.refused = work.refused.all();
    updated.text = work.page.finish();
    updated.gone = gone(source, &workspace);
    if updated.text != text {
        let text = updated.text.as_bytes();
        load(&Kept { source, text }).map_err(UpdateError::Result)?;
    }
    Ok(updated)
}

/// The services whose directory does not exist any more.
fn gone(source: &dyn Source, workspace: &Workspace) -> Vec<(ServiceName, FilePath)> {
    let services = workspace.services();
    let paths: Vec<&FilePath> = services.iter().map(|it| &it.path).collect();
    let found = source.directories(&paths).into_iter().zip(services);
    let gone = found.filter(|(found, _)| matches!(found, Directory::Missing | Directory::Other));
    gone.map(|(_, it)| (it.name.clone(), it.path.clone()))
        .collect()
}

struct Work<'w> {
    workspace: &'w Workspace,
    draft: &'w Draft,
    source: &'w dyn Source,
    page: Page<'w>,
    refused: Refused,
    names: Names,
    /// What is added, by the names of the draft.
    new: BTreeMap<&'w ServiceName, (&'w DraftService, Vec<DraftEdge>)>,
    /// The dependencies that there are.
    known: BTreeSet<Edge>,
    /// The same, and what else must not go in circles.
    graph: BTreeMap<ServiceName, BTreeSet<ServiceName>>,
    updated: Updated,
}

impl<'w> Work<'w> {
    fn new(
        workspace: &'w Workspace,
        draft: &'w Draft,
        source: &'w dyn Source,
        page: Page<'w>,
    ) -> Self {
        Self {
            workspace,
            draft,
            source,
            refused: Refused::read(&page),
            page,
            names: Names::default(),
            new: BTreeMap::new(),
            known: known(workspace),
            graph: graph(workspace),
            updated: Updated::default(),
        }
    }

    /// Finds what is new, and what the file calls everything.
    fn name_services(&mut self) {
        let mut taken: BTreeSet<String> = self.graph.keys().map(ToString::to_string).collect();
        let drafted = self.draft.services.iter();
        let (known, new): (Vec<_>, Vec<_>) =
            drafted.partition(|it| self.workspace.at(it.path.as_bytes()).is_some());
        for service in known {
            let declared = self.workspace.at(service.path.as_bytes());
            let declared = declared.map(|it| self.workspace.service(it).name.clone());
            self.names
                .0
                .extend(declared.map(|it| (service.name.clone(), it)));
        }
        for service in new {
            let Some(path) = written(&service.path).filter(|it| !self.refused.path(it)) else {
                continue;
            };
            let Some(name) = free_name(&service.name, &path, &taken) else {
                continue;
            };
            taken.insert(name.to_string());
            self.updated.services.push(AddedService {
                name: name.clone(),
                path: service.path.clone(),
                instead_of: Some(service.name.clone()).filter(|it| *it != name),
            });
            self.names.0.insert(service.name.clone(), name);
            self.new.insert(&service.name, (service, Vec::new()));
        }
    }

    /// Takes the edges, the strongest first, as far as none closes a circle.
    fn add_edges(&mut self) {
        let drafted = self.draft.services.iter();
        let mut edges: Vec<(&DraftService, &DraftEdge)> = drafted
            .flat_map(|it| it.depends_on.iter().map(move |edge| (it, edge)))
            .collect();
        edges.sort_by_key(|(_, edge)| std::cmp::Reverse(edge.tie));
        let may_close = self.goes_in_circles(&edges);
        let mut lists: BTreeMap<ServiceName, Vec<Item>> = BTreeMap::new();
        for (service, edge) in edges {
            let names = (self.names.of(&service.name), self.names.of(&edge.to));
            let (Some(from), Some(to)) = names else {
                continue;
            };
            let named = Edge {
                from: from.clone(),
                to: to.clone(),
            };
            let new = self.new.get_mut(&service.name);
            let is_known = self.known.contains(&named);
            let is_refused = self.refused.edge(from.as_str(), to.as_str());
            if from == to || is_known || new.is_none() && (is_refused || edge.is_left_out) {
                continue;
            }
            let closes = edge.is_left_out || may_close && reaches(&self.graph, to, from);
            if !closes {
                self.known.insert(named.clone());
                self.graph
                    .entry(from.clone())
                    .or_default()
                    .insert(to.clone());
            } else if !edge.is_left_out {
                self.updated.circles.push(named.clone());
            }
            if let Some((_, taken)) = new {
                taken.push(DraftEdge {
                    is_left_out: closes,
                    ..edge.clone()
                });
            } else if !closes && self.page.service(from.as_str()).is_none() {
                self.updated.elsewhere.push(named);
            } else if !closes {
                let item = Item::new(to.as_str(), &edge.evidence);
                lists.entry(from.clone()).or_default().push(item);
                self.updated.edges.push(named);
            }
        }
        for (name, mut items) in lists {
            items.sort_by(|a, b| a.text.cmp(&b.text));
            let holder = Holder::Service(name.as_str());
            self.page
                .extend(&holder, "depends-on", &items, &["uses", "path"]);
        }
        self.updated.edges.sort();
        self.updated.circles.sort();
        self.updated.elsewhere.sort();
    }

    /// Whether anything would, if all of `edges` were taken: mostly not, and then none has to be followed by itself.
    fn goes_in_circles(&self, edges: &[(&DraftService, &DraftEdge)]) -> bool {
        let mut graph = self.graph.clone();
        for (service, edge) in edges.iter().filter(|(_, edge)| !edge.is_left_out) {
            let names = (self.names.of(&service.name), self.names.of(&edge.to));
            if let (Some(from), Some(to)) = names {
                graph.entry(from.clone()).or_default().insert(to.clone());
                graph.entry(to.clone()).or_default();
            }
        }
        let index: BTreeMap<&ServiceName, u32> = graph.keys().zip(0..).collect();
        let of_one = |all: &BTreeSet<ServiceName>| -> Vec<u32> {
            all.iter().filter_map(|it| index.get(it).copied()).collect()
        };
        let edges: Vec<Vec<u32>> = graph.values().map(of_one).collect();
        !cycles(&edges).is_empty()
    }

    fn add_services(&mut self) {
        let used = Used::of(self.draft);
        let given = Given::of(self.draft, self.source);
        let mut entries: Vec<_> = std::mem::take(&mut self.new)
            .into_values()
            .filter_map(|(service, edges)| {
                let entry = entry(service, &self.names, &edges, &given)?;
                Some((used.group(service), entry))
            })
            .collect();
        entries.sort_by(|a, b| a.1.name.cmp(&b.1.name));
        for (group, entry) in entries {
            self.page.insert(group, &entry.name, render(&entry));
        }
    }

    fn add_to_workspace(&mut self) {
        let before = [
            "lock-files",
            "global-inputs",
            "name",
            "svc",
            "default-branch",
        ];
        let after = ["ignore", "pass-env", "include"];
        let neighbours = [&before[..], &after[..]].concat();
        let lists = [
            ("global-inputs", &self.draft.global_inputs),
            ("lock-files", &self.draft.lock_files),
        ];
        let mut missing: Vec<(&str, Vec<Item>)> = Vec::new();
        for (key, list) in lists {
            let new = list.iter().filter(|it| !self.has(key, it));
            missing.push((key, new.map(concluded).collect()));
        }
        missing.retain(|(_, items)| !items.is_empty());
        let added = missing.iter().flat_map(|(_, items)| items);
        let added = added.map(|it| it.text.clone());
        self.updated.workspace.extend(added);
        for (key, items) in missing {
            self.page
                .extend(&Holder::Workspace, key, &items, &neighbours);
        }
    }

    /// Whether a list of the workspace takes a file already, or is not to.
    fn has(&self, key: &str, wanted: &Concluded<String>) -> bool {
        let top = FilePath::default();
        let Ok(pattern) = Pattern::new(&wanted.what, &top) else {
            return true;
        };
        if !is_pattern(&wanted.what) {
            return true;
        }
        let list = self
            .page
            .document
            .get("workspace")
            .and_then(|it| it.get(key)?.as_array());
        let texts = list.into_iter().flatten().filter_map(|it| it.as_str());
        let mut patterns = texts.filter_map(|it| Pattern::new(it, &top).ok());
        let takes = |it: &Pattern| {
            *it == pattern || pattern.is_literal() && it.matches(pattern.as_str().as_bytes())
        };
        self.refused.pattern(&wanted.what) || patterns.any(|it| takes(&it))
    }
}

fn known(workspace: &Workspace) -> BTreeSet<Edge> {
    let name = |index| workspace.service(index).name.clone();
    let of_one = |index| {
        let dependencies = workspace.dependencies(index).iter();
        dependencies.map(move |it| Edge {
            from: name(index),
            to: name(*it),
        })
    };
    workspace.indices().flat_map(of_one).collect()
}

/// What each service depends on or whose deploy it waits for: nothing of it may go in circles.
fn graph(workspace: &Workspace) -> BTreeMap<ServiceName, BTreeSet<ServiceName>> {
    let of_one = |index| {
        let service = workspace.service(index);
        let dependencies = workspace.dependencies(index).iter();
        let dependencies = dependencies.map(|it| workspace.service(*it).name.clone());
        let needs = service.tasks.values().flat_map(|task| &task.needs);
        let needs = needs.filter_map(|need| match need {
            Need::Of(other, _) if *other != service.name => Some(other.clone()),
            _ => None,
        });
        (service.name.clone(), dependencies.chain(needs).collect())
    };
    workspace.indices().map(of_one).collect()
}

fn reaches(
    graph: &BTreeMap<ServiceName, BTreeSet<ServiceName>>,
    start: &ServiceName,
    end: &ServiceName,
) -> bool {
    let mut next = vec![start];
    let mut seen = BTreeSet::new();
    while let Some(name) = next.pop() {
        if name == end {
            return true;
        }
        if seen.insert(name) {
            next.extend(graph.get(name).into_iter().flatten());
        }
    }
    false
}

/// A name that no service has: the drafted one, else one with more of the path, else one with a number.
fn free_name(drafted: &ServiceName, path: &str, taken: &BTreeSet<String>) -> Option<ServiceName> {
    let parents = path.split('/').rev().skip(1);
    let longer = parents.scan(drafted.to_string(), |name, parent| {
        let parent = parent.to_ascii_lowercase().replace(['_', '.', ' '], "-");
        *name = format!("{parent}-{name}");
        Some(name.clone())
    });
    let numbered = (2..).map(|number| format!("{drafted:.50}-{number}"));
    let names = std::iter::once(drafted.to_string())
        .chain(longer)
        .chain(numbered);
    let mut free = names.filter(|it| !taken.contains(it));
    free.find_map(|it| ServiceName::new(&it))
}

/// A workspace with another text of its file, and without a look at its directories.
struct Kept<'k> {
    source: &'k dyn Source,
    text: &'k [u8],
}

impl Source for Kept<'_> {
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        match path.as_bytes() == FILE.as_bytes() {
            true => Ok(Some(self.text.to_vec())),
            false => self.source.read(path),
        }
    }

    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        self.source.glob(pattern)
    }

    fn real(&self, path: &FilePath) -> io::Result<Option<FilePath>> {
        self.source.real(path)
    }

    fn present(&self, paths: &[FilePath]) -> io::Result<Vec<bool>> {
        self.source.present(paths)
    }
}
