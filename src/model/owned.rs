//! Outputs that take files which git tracks: a task would write over what people keep.

use crate::model::name::TaskName;
use crate::model::path::{FilePath, is_within};
use crate::model::pattern::Pattern;
use crate::model::workspace::{ServiceIndex, Workspace};

/// A pattern in the outputs of a task, and the first tracked file that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedOutput<'w> {
    pub service: ServiceIndex,
    pub task: &'w TaskName,
    pub pattern: &'w Pattern,
    pub file: FilePath,
}

/// The outputs that take one of the `tracked` files, which are sorted; services in order. Files of another service, within
/// the one of the task, are not meant.
pub fn tracked_outputs<'w, 'p>(
    workspace: &'w Workspace,
    tracked: impl IntoIterator<Item = &'p [u8]>,
) -> Vec<TrackedOutput<'w>> {
    let tracked: Vec<&[u8]> = tracked.into_iter().collect();
    debug_assert!(tracked.is_sorted());
    let mut found = Vec::new();
    for service in workspace.indices() {
        for (task, definition) in &workspace.service(service).tasks {
            for pattern in definition.outputs.iter().flatten() {
                let mut taken = below(&tracked, pattern.literal())
                    .filter(|it| pattern.matches(it) && workspace.owner(it) == Some(service));
                found.extend(taken.next().map(|file| TrackedOutput {
                    service,
                    task,
                    pattern,
                    file: FilePath::from_bytes(file),
                }));
            }
        }
    }
    found
}

/// The file `directory`, and the files below it.
fn below<'t, 'p>(
    tracked: &'t [&'p [u8]],
    directory: &'t [u8],
) -> impl Iterator<Item = &'p [u8]> + use<'t, 'p> {
    let file = tracked.binary_search(&directory).ok();
    let start = match directory.is_empty() {
        true => 0,
        // Between a file and what lies below a directory of that name others may stand, such as `a-b`.
        false => {
            let below = [directory, b"/"].concat();
            tracked.partition_point(|path| *path < &*below)
        }
    };
    let within = tracked[start..].iter().copied();
    let within = within.take_while(move |path| is_within(path, directory));
    file.map(|at| tracked[at]).into_iter().chain(within)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::workspace::Settings;
    use crate::model::workspace::sample::with_outputs;

    #[test]
    fn outputs_that_take_tracked_files_are_named_with_the_first() {
        let check = |outputs: &[&str], tracked: &[&str], expected: &[(&str, &str)]| {
            let services = vec![
                with_outputs("app:build", "app", outputs),
                with_outputs("lib:build", "app/lib", &["dist"]),
            ];
            let workspace = Workspace::new(Settings::default(), services);
            let found = tracked_outputs(&workspace, tracked.iter().map(|it| it.as_bytes()));
            let found: Vec<_> = found
                .iter()
                .map(|it| (it.pattern.as_str(), it.file.display()))
                .collect();
            let found: Vec<_> = found.iter().map(|(one, other)| (*one, &**other)).collect();
            assert_eq!(found, expected, "{outputs:?}");
        };
        let tracked = [
            "a",
            "app/a.o",
            "app/dist",
            "app/dist-web/x",
            "app/dist/x",
            "app/dist/y",
            "app/lib/b.o",
            "app/lib/dist/z",
            "app/x/c.o",
            "b.o",
        ];
        let nested = ("app/lib/dist", "app/lib/dist/z");
        check(&["none"], &tracked, &[nested]);
        check(&["dist"], &tracked, &[("app/dist", "app/dist"), nested]);
        check(
            &["dist/**"],
            &tracked,
            &[("app/dist/**", "app/dist/x"), nested],
        );
        check(
            &["dist/y", "dist"],
            &tracked,
            &[
                ("app/dist/y", "app/dist/y"),
                ("app/dist", "app/dist"),
                nested,
            ],
        );
        check(&["*.o"], &tracked, &[("app/*.o", "app/a.o"), nested]);
        check(&["x/*.o"], &tracked, &[("app/x/*.o", "app/x/c.o"), nested]);
        // What the service within owns is no output of the one around it.
        check(&["lib", "**/b.o"], &tracked, &[nested]);
        check(&["dist", "**/*.o"], &[], &[]);
        check(&["dist"], &["app/dist-web/x", "app/distance"], &[]);
    }

    #[test]
    fn many_services_are_looked_at_quickly() {
        let names: Vec<_> = (0..5000).map(|at| format!("s{at:04}")).collect();
        let of = |name: &String| with_outputs(&format!("{name}:build"), name, &["dist/**"]);
        let workspace = Workspace::new(Settings::default(), names.iter().map(of).collect());
        let files = names
            .iter()
            .flat_map(|name| (0..4).map(move |at| format!("{name}/src/{at}")));
        let files: Vec<_> = files.chain(["s4999/tail".to_owned()]).collect();
        assert_eq!(
            tracked_outputs(&workspace, files.iter().map(|it| it.as_bytes())),
            []
        );
        let last = [b"s4999/dist/x".as_slice()];
        let found = tracked_outputs(&workspace, last);
        assert_eq!((found.len(), found[0].service), (1, ServiceIndex(4999)));
    }
}
