//! Services whose preset does not fit: none of the files that it looks for lies in the directory, around it or below it.

use std::collections::BTreeMap;

use crate::config;
use crate::model::draft::{FileList, fits_name};
use crate::model::finding::{Finding, Weight};
use crate::model::origin::{Origin, ServiceOrigins};
use crate::model::path::{FilePath, ancestors};
use crate::model::preset::Detect;
use crate::model::workspace::Service;
use crate::ops::doctor::definition::{Sight, finding, first_of};
use crate::ops::failure::Failure;

/// Looks at every service that uses a preset.
pub fn look(sight: &Sight) -> Result<Vec<Finding>, Failure> {
    let presets = sight.survey.found.presets.iter();
    let presets: BTreeMap<&str, &Detect> = presets
        .filter_map(|it| Some((it.name.as_str(), it.detect.as_ref()?)))
        .collect();
    let files = &sight.survey.found.files;
    let services = sight.workspace.services().iter();
    let unfit: Vec<(&Service, &Detect)> = services
        .filter_map(|service| {
            let detect = *presets.get(service.uses.as_deref()?)?;
            (!fits(files, detect, &service.path)).then_some((service, detect))
        })
        .collect();
    if unfit.is_empty() {
        return Ok(Vec::new());
    }
    let named: Vec<_> = unfit.iter().map(|(it, _)| it.name.clone()).collect();
    let origins = config::origins(sight.source, &named)?;
    let unfit = unfit.iter().filter(|(service, _)| {
        let mut origins = origins.iter();
        !origins.any(|it| it.service == service.name && names_a_file(files, it, &service.path))
    });
    let told = unfit.map(|(service, detect)| {
        let preset = service.uses.as_deref().unwrap_or_default();
        let wanted = wanted(detect);
        let words =
            format!("it uses the preset {preset}, and there is no {wanted} in it or around it");
        let fix = format!("name the preset that fits in `uses`, or bring back {wanted}");
        finding(Weight::Warning, service.name.as_str(), words).fix(fix)
    });
    Ok(first_of(
        told.collect(),
        "svc list -v shows what each service uses",
    ))
}

fn fits(files: &FileList, detect: &Detect, path: &FilePath) -> bool {
    let has = |name: &String| has(files, name, path);
    let any = detect.any.is_empty() || detect.any.iter().any(has);
    any && detect.all.iter().all(has)
}

/// Whether a file of this name lies at the directory, around it or below it.
fn has(files: &FileList, name: &str, path: &FilePath) -> bool {
    let is_named = |file: &[u8]| {
        let own = file.rsplit(|byte| *byte == b'/').next();
        own.is_some_and(|own| fits_name(name.as_bytes(), own))
    };
    // Around a service, only a whole name says enough.
    if name.contains('/') {
        // A path below the directory: what it ends with says enough.
        let last = name.rsplit('/').next().unwrap_or_default().as_bytes();
        let mut below = files.below(path.as_bytes());
        return below.any(|at| {
            files
                .at(at)
                .split(|it| *it == b'/')
                .any(|part| part == last)
        });
    }
    let around = !name.contains('*')
        && ancestors(path.as_bytes())
            .any(|it| files.has(FilePath::from_bytes(it).join(name.as_bytes()).as_bytes()));
    around
        || files
            .below(path.as_bytes())
            .any(|at| is_named(files.at(at)))
}

/// Whether a parameter that the service gives names a file or a directory, so that the preset need not find one.
fn names_a_file(files: &FileList, origins: &ServiceOrigins, path: &FilePath) -> bool {
    let parameters = origins.uses.iter().flat_map(|it| &it.parameters);
    let mut values = parameters.flat_map(|it| &it.values);
    values.any(|(value, origin)| {
        let is_there = |path: FilePath| {
            files.has(path.as_bytes()) || !path.is_root() && files.has_below(path.as_bytes())
        };
        matches!(origin, Origin::File(..)) && resolved(path, value).is_some_and(is_there)
    })
}

/// The path that `text` names from `directory`, unless it leaves the workspace.
fn resolved(directory: &FilePath, text: &str) -> Option<FilePath> {
    let own = directory.as_bytes().split(|byte| *byte == b'/');
    let mut parts: Vec<&[u8]> = match text.starts_with('/') {
        true => Vec::new(),
        false => own.filter(|it| !it.is_empty()).collect(),
    };
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part.as_bytes()),
        }
    }
    Some(FilePath::from_bytes(parts.join(&b'/')))
}

fn wanted(detect: &Detect) -> String {
    let all = detect.all.join(" and ");
    match (&detect.any[..], detect.all.is_empty()) {
        ([], _) => all,
        (any, true) => any.join(" or "),
        (any, false) => format!("{all} with {}", any.join(" or ")),
    }
}
