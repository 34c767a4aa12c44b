//! The target `kubernetes`, on a real API server. The lane runs where `SVC_TEST_KUBERNETES` names the built binaries.

use crate::servers::{Kubernetes, skip};
use crate::world::{World, says};

const MANIFEST: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  replicas: 1
  selector:
    matchLabels: {app: NAME}
  template:
    metadata:
      labels: {app: NAME}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: NAME
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
data: {page: "one"}
"#;

const OVERLAY: &str = "resources: [../../base]\nnamePrefix: ENV-\nnamespace: ENV\n";

/// A service of plain manifests, and one of a kustomization with an overlay for each environment.
fn definition() -> String {
    r#"version = 1
[environments.staging]
target = "kubernetes"
context = "test"
namespace = "staging"
[environments.production]
target = "kubernetes"
context = "test"
namespace = "production"
promote-from = "staging"
[services.api]
path = "api"
[services.api.build]
run = "echo built >>\"$BUILDS\"; echo image=registry.test/api:$(cat version) >>\"$SVC_VALUES\""
inputs = ["version"]
pass-env = ["BUILDS"]
outputs = []
[services.api.deploy]
manifests = "k8s"
images = { api = "${value.image}" }
rollout-timeout = "3s"
[services.api.deploy.env.production]
replicas = 2
[services.web]
path = "web"
[services.web.build]
run = "echo image=registry.test/web@sha256:$(printf %064d 7) >>\"$SVC_VALUES\""
outputs = []
[services.web.deploy]
manifests = "overlays/${env}"
images = { web = "${value.image}" }
workload = ["web"]
[services.web.deploy.env.production]
replicas = 3
"#
    .to_owned()
}

#[test]
fn manifests_and_kustomizations_are_applied_waited_for_and_taken_back() {
    let Some(cluster) = Kubernetes::start() else {
        return skip(
            "kubernetes",
            "SVC_TEST_KUBERNETES names no folder of binaries, or etcd or kubectl is missing",
        );
    };
    let get = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let output = cluster.kubectl(&words).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {line}: {error}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    for environment in ["staging", "production"] {
        get(&format!("create namespace {environment}"));
    }
    let kind = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
    let overlay = |environment: &str| kind.to_owned() + &OVERLAY.replace("ENV", environment);
    let world = World::new(&[
        ("services.toml", &definition()),
        ("api/version", "one"),
        ("api/k8s/all.yaml", &MANIFEST.replace("NAME", "api")),
        ("web/base/all.yaml", &MANIFEST.replace("NAME", "web")),
        (
            "web/base/kustomization.yaml",
            &format!("{kind}resources: [all.yaml]\n"),
        ),
        (
            "web/overlays/staging/kustomization.yaml",
            &overlay("staging"),
        ),
        (
            "web/overlays/production/kustomization.yaml",
            &overlay("production"),
        ),
    ]);
    let builds = world.beside("builds");
    let world = world
        .with("KUBECONFIG", cluster.config())
        .with("BUILDS", builds);
    let image = "-o jsonpath={.spec.template.spec.containers[0].image}:{.spec.replicas}:{.status.readyReplicas}";
    let shows = |space: &str, name: &str| get(&format!("-n {space} get deployment {name} {image}"));

    world.ok("deploy --env staging --bootstrap");
    let digest = format!("registry.test/web@sha256:{:064}", 7);
    assert_eq!(shows("staging", "api"), "registry.test/api:one:1:1");
    assert_eq!(shows("staging", "staging-web"), format!("{digest}:1:1"));
    let first = world.runs("staging", "api");

    // An environment of its own, with more of it, and nothing built again.
    world.ok("promote --from staging --to production");
    assert_eq!(shows("production", "api"), "registry.test/api:one:2:2");
    assert_eq!(
        shows("production", "production-web"),
        format!("{digest}:3:3")
    );
    assert_eq!(world.lines("builds"), 1);

    // What never becomes ready is taken back, and the old pods serve all the while.
    world.change("api/version", "fail");
    let start = std::time::Instant::now();
    let said = world.ends(5, "deploy --env staging");
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    says(&said, &["rolled back to"]);
    assert_eq!(shows("staging", "api"), "registry.test/api:one:1:1");
    assert_eq!(world.runs("staging", "api"), first);

    world.change("api/version", "two");
    world.ok("deploy --env staging");
    assert_eq!(shows("staging", "api"), "registry.test/api:two:1:1");
    world.ok("rollback --env staging");
    assert_eq!(shows("staging", "api"), "registry.test/api:one:1:1");
    assert_eq!(world.lines("builds"), 3);

    // A context that nobody knows is refused before anything.
    let good = world.repo.read("services.toml");
    let bad = good.replacen("context = \"test\"", "context = \"typo\"", 1);
    world.change("services.toml", &bad);
    let said = world.ends(1, "deploy --env staging --retry-held");
    says(&said, &["typo"]);
    assert_eq!(shows("staging", "api"), "registry.test/api:one:1:1");
    world.change("services.toml", &good);

    // What is no longer defined is taken down when that is asked for, and everything with `down`.
    let (without, _) = good.split_once("[services.web]").unwrap();
    world.change("services.toml", without);
    world.ok("deploy --env staging --prune --retry-held");
    assert_eq!(
        get("-n staging get deployments -o name"),
        "deployment.apps/api"
    );
    world.ok("down --env staging --yes");
    assert_eq!(get("-n staging get deployments -o name"), "");
    world.ok("down --env production --yes");
    assert_eq!(get("-n production get deployments -o name"), "");
}
