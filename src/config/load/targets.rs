//! The files of the targets that environments and deploys name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::check::Read;
use crate::config::load::Reading;
use crate::config::load::files::{File, Text, reason};
use crate::config::problem::{FileId, Place};
use crate::config::target;
use crate::model::name::is_valid;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::target::Target;
use crate::model::workspace::{Settings, Workspace};

impl Reading<'_> {
    /// The targets that environments and deploys name, and the one of `local`. Their files end up in `files`, the first of
    /// them with the number `first`.
    pub fn targets(
        &mut self,
        settings: &Settings,
        services: &[Read],
        first: usize,
        files: &mut Vec<File>,
    ) -> BTreeMap<String, Arc<Target>> {
        let environments = settings.environments.values();
        let mut wanted: BTreeSet<&str> =
            environments.filter_map(|it| it.target.as_deref()).collect();
        for (_, service) in services {
            let deploy = service
                .tasks
                .get("deploy")
                .and_then(|it| it.deploy.as_deref());
            let overrides = deploy.into_iter().flat_map(|deploy| deploy.env.values());
            let deploys = deploy.into_iter().chain(overrides);
            wanted.extend(deploys.filter_map(|it| it.target.as_deref()));
        }
        if services.iter().any(|(_, service)| service.serve.is_some()) {
            wanted.insert(target::PROCESS);
        }
        let mut targets = BTreeMap::new();
        for name in wanted {
            let id = FileId((first + files.len()) as u32);
            let Some((file, is_own)) = self.target_file(name, id) else {
                continue;
            };
            let own = is_own.then_some(file.text.shown.as_str());
            let document = self.parse(id, &file.text);
            let read = target::read(&mut self.findings, name, &document, own);
            drop(document);
            targets.insert(name.to_owned(), Arc::new(read));
            files.push(file);
        }
        targets
    }

    /// The file of a target, and whether it is the workspace's own.
    pub fn target_file(&mut self, name: &str, id: FileId) -> Option<(File, bool)> {
        let path = target::own_path(name);
        let own = match is_valid(name) && name != target::PROCESS {
            true => self.source.read(&path),
            false => Ok(None),
        };
        match own {
            Ok(Some(bytes)) => {
                let text = self.decode(bytes, id);
                return Some((File { path, text }, true));
            }
            Ok(None) => {}
            Err(error) => {
                let message = format!("`{}` cannot be read: {}", path.display(), reason(&error));
                self.findings.add(Place::new(FileId(0), 0, 0), message);
            }
        }
        let text = target::embedded(name)?;
        let file = File {
            path: FilePath::from(format!("target {name}").as_str()),
            text: Text {
                shown: text.to_owned(),
                is_whole: true,
            },
        };
        Some((file, false))
    }

    /// The names of all targets, where one of them may be asked for.
    pub fn target_names(&self, workspace: &Workspace) -> BTreeSet<String> {
        let embedded = target::embedded_names().map(str::to_owned);
        let settings = workspace.settings();
        let all_known = settings.environments.is_empty() && settings.targets.is_empty();
        let own = Pattern::new(".svc/targets/*.toml", &FilePath::default());
        let own = own.ok().filter(|_| !all_known);
        let own = own.and_then(|own| self.source.glob(&own).ok());
        let own = own.iter().flatten();
        let own = own.filter_map(|path| Some(path.as_path().file_stem()?.to_str()?.to_owned()));
        embedded.chain(own).collect()
    }
}
