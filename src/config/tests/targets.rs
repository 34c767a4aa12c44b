//! Deploys with problems, targets of a workspace's own, and what is said of them.

use insta::assert_snapshot;

use crate::config::tests::bad::plain;
use crate::config::tests::{Memory, problems, valid};
use crate::model::name::EnvironmentName;
use crate::model::target::{Step, resolve, wrong};

/// The environments `staging` (kubernetes) and `production` (compose), and a service `api` with that deploy.
fn deploy(text: &str) -> String {
    plain(&Memory::new(&format!(
        "version = 1\n[environments.staging]\ntarget = \"kubernetes\"\n[environments.production]\ntarget = \"compose\"\n[services.api]\npath = \"api\"\n[services.api.deploy]\n{text}"
    )))
}

/// A workspace whose environment `x` has a target of its own.
fn own(target: &str) -> Memory {
    Memory::new("version = 1\n[environments.x]\ntarget = \"own\"\n[services.api]\npath = \"api\"\ndeploy = {}\n")
        .with(".svc/targets/own.toml", target)
}

#[test]
fn what_comes_with_the_program_is_sound() {
    for name in crate::config::target::embedded_names() {
        let text = crate::config::target::embedded(name).unwrap();
        // As the workspace's own, its templates are checked, too.
        let text = text.replace("embedded = true", "deploy = \"x\"");
        let memory = Memory::new("version = 1\n[environments.x]\ntarget = \"own\"\n")
            .with(".svc/targets/own.toml", text);
        assert_eq!(problems(&memory), "no problem", "{name}");
    }
}

#[test]
fn targets_exist() {
    assert_snapshot!(deploy("target = \"kubernets\"\nmanifests = \"k\""), @"
    services.toml:9:10: there is no target `kubernets`
      did you mean `kubernetes`?
    ");
    assert_snapshot!(deploy(
        "target = \"nomad\"\nenv.staging.target = \"helmm\"\nmanifests = \"k\""
    ), @"
    services.toml:9:10: there is no target `nomad`
      there are compose, helm, kubernetes, process, ssh; a workspace adds its own as `.svc/targets/NAME.toml`
    services.toml:10:22: there is no target `helmm`
      did you mean `helm`?
    ");
    assert_snapshot!(plain(&Memory::new(
        "version = 1\n[environments.x]\ntarget = \"shh\"\nhost = \"y\"\n"
    )), @"
    services.toml:3:10: there is no target `shh`
      did you mean `ssh`?
    ");
    let memory = Memory::new("version = 1\n[environments.x]\ntarget = \"lamda\"\n")
        .with(".svc/targets/lambda.toml", "deploy = \"x\"");
    assert_snapshot!(plain(&memory), @"
    services.toml:3:10: there is no target `lamda`
      did you mean `lambda`?
    ");
}

#[test]
fn parameters_are_known_and_fit() {
    assert_snapshot!(deploy(
        "manifest = \"k\"\nmanifests = \"k\"\nprojct = \"p\"\nfrobnicate = 1"
    ), @"
    services.toml:9:12: `manifest` is not a parameter of the target `compose` or `kubernetes`
      did you mean `manifests`?
    services.toml:11:10: `projct` is not a parameter of the target `compose` or `kubernetes`
      did you mean `project`?
    services.toml:12:1: `frobnicate` is not a parameter of the target `compose` or `kubernetes`
      its parameters are context, file, force-conflicts, host, images, manifests, namespace, project, rollout-timeout, server-side, services, url, wait, wait-timeout, workload
    ");
    assert_snapshot!(deploy("manifests = 5\nservices = [1]\nwait = \"yes\""), @"
    services.toml:9:1: `manifests` of the target `kubernetes` must be a path
    services.toml:10:1: `services` of the target `compose` must be a string or a list of strings
    services.toml:11:8: `wait` of the target `compose` must be `true` or `false`
    ");
    assert_snapshot!(deploy("images = \"x\"\nfile = []"), @"
    services.toml:8:15: the target `kubernetes` needs `manifests` (the manifest, or the directory of manifests or of a kustomization)
      set `manifests` here or in `[environments.staging]`
    services.toml:9:10: `images` of the target `kubernetes` must be a table of strings
    ");
    assert_snapshot!(deploy(
        "manifests = \"k\"\nenv.production.manifests = \"k\"\nenv.staging.contxt = \"x\""
    ), @"
    services.toml:10:28: `manifests` is not a parameter of the target `compose`
      its parameters are file, host, project, services, url, wait, wait-timeout
    services.toml:11:22: `contxt` is not a parameter of the target `kubernetes`
      did you mean `context`?
    ");
    assert_snapshot!(deploy("run = \"./deploy.sh\"\nmanifests = \"x\""), @"
    services.toml:10:13: `manifests` is not a key here
      parameters belong to a target, and this deploy runs commands of its own; name a `target`, or remove the key
    ");
    assert_snapshot!(deploy("run = \"./deploy.sh\"\ntarget = \"compose\""), @"
    services.toml:9:7: the deploy has commands and the target `compose`
      one of them brings the service there: remove `run` or `target`; commands beside a target are `before` and `after`
    ");
    assert_snapshot!(plain(&Memory::new(
        "version = 1\n[environments.x]\ntarget = \"ssh\"\nhots = \"y\"\nkeep = \"many\"\n"
    )), @"
    services.toml:4:8: `hots` is not a parameter of the target `ssh`
      did you mean `host`?
    services.toml:5:8: `keep` of the target `ssh` must be a whole number
    ");
    assert_snapshot!(plain(&Memory::new(
        "version = 1\n[environments.x]\ncontxt = \"y\"\n[services.api]\npath = \"api\"\ndeploy = { target = \"helm\", chart = \"c\" }\n"
    )), @"
    services.toml:3:10: `contxt` is not a parameter of the target `helm`
      did you mean `context`?
    ");
}

#[test]
fn a_target_says_whether_it_can_scale() {
    assert_snapshot!(deploy(
        "manifests = \"k\"\nreplicas = 2\nenv.production.target = \"ssh\"\nenv.production.host = \"h\"\nenv.production.path = \"p\"\nenv.production.files = [\"f\"]"
    ), @"
    services.toml:10:1: the target `ssh` cannot scale, so `replicas` means nothing to it
      remove `replicas`
    ");
}

#[test]
fn placeholders_mean_something() {
    assert_snapshot!(deploy(
        "manifests = \"k/${enviroment}\"\nimages.api = \"${value.apii.image}\"\nnamespace = \"${HOME}\"\nurl = \"${url}\""
    ), @"
    services.toml:9:13: `${enviroment}` stands for nothing
      did you mean `${env}`?
    services.toml:10:1: `${value.apii.…}` names the service `apii`, which does not exist
      did you mean `api`?
    services.toml:11:13: `${HOME}` stands for nothing
      there are env, service, version, commit, deploy-id, workspace, url, `value.NAME` and `value.SERVICE.NAME`; write `$${HOME}` for the text itself
    services.toml:12:7: `url` cannot name itself
      write the address
    ");
    assert_snapshot!(deploy(
        "manifests = \"k/${version}\"\nhealth = { http = \"http://${hots}/\" }\nproject = \"a${env\""
    ), @"
    services.toml:9:13: `${version}` cannot stand in `manifests`
      its files are looked at before anything runs: use only `${env}`, `${service}` and `${workspace}`
    services.toml:10:1: `${hots}` stands for nothing
      there are env, service, version, commit, deploy-id, workspace, url, `value.NAME` and `value.SERVICE.NAME`; write `$${hots}` for the text itself
    services.toml:11:11: `${env` has no `}`
      close it, or write `$${` for the text itself
    ");
    assert_eq!(
        deploy(
            "manifests = \"k/${env}\"\nimages.api = \"${value.api.image}\"\nnamespace = \"$${HOME}-$x\"\nurl = \"http://${service}\"\nhealth = { http = \"${url}/healthz\" }"
        ),
        "no problem"
    );
}

#[test]
fn own_targets_are_checked_as_well() {
    assert_snapshot!(plain(&own("abut = \"x\"\ndeply = \"x\"\n")), @r#"
    .svc/targets/own.toml:1:1: the target `own` has no `deploy`
      write the commands that bring a release, `deploy = ["…"]`
    .svc/targets/own.toml:1:1: `abut` is not a key here
      did you mean `about`?
    .svc/targets/own.toml:2:1: `deply` is not a key here
      did you mean `deploy`?
    "#);
    assert_snapshot!(plain(&own(
        "deploy = [\"x {{ hots }}\", \"{% if %}\", \"{{ host|upr }}\"]\n[parameters.host]\nkind = \"text\"\ndefault = \"x\"\n"
    )), @"
    .svc/targets/own.toml:1:11: the template cannot be used: there is no `hots`
      did you mean `host`?
    .svc/targets/own.toml:1:27: the template cannot be used: syntax error: unexpected end of block
      `{{ name }}` is a parameter, its `-` as `_`, or one of the names that the README lists
    .svc/targets/own.toml:1:39: the template cannot be used: unknown filter: filter upr is unknown
      `{{ name }}` is a parameter, its `-` as `_`, or one of the names that the README lists
    ");
    assert_snapshot!(plain(&own(
        "prelude = \"\"\"\na={{ nobody }}\"\"\"\ndeploy = \"x\"\n"
    )), @"
    .svc/targets/own.toml:1:11: the template cannot be used: there is no `nobody`
      `{{ name }}` is a parameter, its `-` as `_`, or one of the names that the README lists
    ");
    assert_snapshot!(plain(&own(
        "deploy = \"x\"\nembedded = true\n[parameters]\nenv = { kind = \"text\" }\nurl = { kind = \"text\" }\nreplicas = { kind = \"text\" }\nvalues = { kind = \"text\" }\na-b = { kind = \"txt\" }\nc = {}\nd = { kind = \"flag\", default = 1, inputs = \"files\" }\nX = { kind = \"flag\" }\n"
    )), @r#"
    .svc/targets/own.toml:2:1: `embedded` is not a key here
      the keys are about, parameters, can-scale, url, health, prelude, deploy, rollback, undo, remove, status, check
    .svc/targets/own.toml:4:1: a parameter cannot be named `env`
      it is a key of deploys or environments; choose another name
    .svc/targets/own.toml:5:1: a parameter cannot be named `url`
      every target has it already; its default is the key `url` of the file
    .svc/targets/own.toml:6:1: a parameter cannot be named `replicas`
      it is a key of deploys or environments; choose another name
    .svc/targets/own.toml:7:1: a parameter cannot be named `values`
      templates know something else by that name; choose another one
    .svc/targets/own.toml:8:16: `kind` cannot be `txt`
      did you mean `text`?
    .svc/targets/own.toml:9:1: the parameter `c` has no `kind`
      write `kind = "text"`, or number, flag, list, path, table
    .svc/targets/own.toml:10:32: the default of `d` must be `true` or `false`
    .svc/targets/own.toml:10:35: `inputs` does not fit a flag
      only a `path` or a `list` names files
    .svc/targets/own.toml:11:1: `X` is not a valid name of a parameter
      call it `x`
    "#);
    assert_snapshot!(plain(&own(
        "deploy = \"x\"\n[parameters]\nhost = { kind = \"text\", required = true, about = \"the machine\" }\n"
    )), @"
    services.toml:6:1: the target `own` needs `host` (the machine)
      set `host` here or in `[environments.x]`
    ");
    assert_snapshot!(plain(&own("deploy = \"\\\"\n")), @r#".svc/targets/own.toml:1:12: missing escaped value: expected `b` or `e` or `f` or `n` or `r` or `\` or `"` or `x` or `u` or `U`"#);
}

#[test]
fn an_own_target_takes_the_place_of_another() {
    let memory = Memory::new("version = 1\n[environments.x]\ntarget = \"ssh\"\n[services.api]\npath = \"api\"\ndeploy = {}\nserve = { run = \"y\" }\n")
        .with(".svc/targets/ssh.toml", "prelude = \"set -x\"\ndeploy = \"copy {{ to }}\"\nparameters.to = { kind = \"path\", default = \"/a b\" }\n")
        .with(".svc/targets/process.toml", "nonsense");
    let workspace = valid(&memory).workspace;
    let files: Vec<_> = workspace
        .settings()
        .files
        .iter()
        .map(|it| it.display())
        .collect();
    assert_eq!(files, ["services.toml", ".svc/targets/ssh.toml"]);
    let x = EnvironmentName::new("x").unwrap();
    let resolved = resolve(&workspace, workspace.find("api").unwrap(), &x).unwrap();
    let facts = crate::model::target::Facts {
        workspace: "/w".into(),
        ..Default::default()
    };
    assert_eq!(
        resolved.commands(Step::Deploy, &facts).unwrap(),
        ["set -x\ncopy '/w/a b'"]
    );
    let parts = resolved.parts();
    assert!(
        parts
            .iter()
            .any(|(name, text)| name == "definition" && text.contains("copy {{ to }}"))
    );
    let target = resolved.target().unwrap();
    assert!(wrong(target, "", "{{ to }} {{ values.image }} {{ service }}").is_none());
}

#[test]
fn a_list_of_an_environment_can_hold_the_one_of_the_deploy() {
    let text =
        "manifests = \"k\"\nbefore = \"a\"\nafter = \"z\"\nenv.staging.before = [\"...\", \"b\"]\n";
    let text = format!(
        "version = 1\n[environments.staging]\ntarget = \"kubernetes\"\n[services.api]\npath = \"api\"\n[services.api.deploy]\n{text}"
    );
    let workspace = valid(&Memory::new(&text)).workspace;
    let staging = EnvironmentName::new("staging").unwrap();
    let resolved = resolve(&workspace, workspace.find("api").unwrap(), &staging).unwrap();
    assert_eq!(resolved.before, ["a", "b"]);
    assert_eq!(resolved.after, ["z"]);
}
