//! The target `compose`: images that a service's own build makes and pushes, and that its deploy knows by their digest.

use crate::servers::{Docker, Registry, free_port, skip, tiny_http};
use crate::world::{World, get, says};

struct Site {
    docker: Docker,
    registry: Registry,
    world: World,
    /// Where staging and production answer.
    ports: [u16; 2],
}

/// The build of the image: nothing but a static program that says the version.
const BUILD: &str = r#"echo built >>"$BUILDS"
rm -rf .image; mkdir .image; cp "$PROGRAM" .image/tiny-http
printf 'FROM scratch\nCOPY tiny-http /tiny-http\nENTRYPOINT ["/tiny-http", "%s"]\n' "$(cat version)" >.image/Dockerfile
name=$REGISTRY/api:$(cat version)
docker build --quiet --tag "$name" .image
docker push --quiet "$name"
echo "image=$(docker inspect --format '{{index .RepoDigests 0}}' "$name")" >>"$SVC_VALUES""#;

/// A page, and what works for it: nobody asks that, so there can be many.
const COMPOSE: &str = r#"version: "3"
services:
  web:
    image: ${SVC_VALUE_IMAGE}
    ports: ["127.0.0.1:${PORT}:8080"]
    stop_signal: SIGKILL
  api:
    image: ${SVC_VALUE_IMAGE}
    stop_signal: SIGKILL
"#;

impl Site {
    fn new() -> Option<Self> {
        let (Some(registry), Some(docker)) = (Registry::start(), Docker::start()) else {
            skip("compose", "dockerd or docker-registry cannot run here");
            return None;
        };
        if docker.compose().is_none() {
            skip("compose", "docker-compose is not installed");
            return None;
        }
        let ports = [free_port(), free_port()];
        let text = format!(
            r#"version = 1
[environments.staging]
env = {{ PORT = "{}" }}
[environments.production]
promote-from = "staging"
env = {{ PORT = "{}" }}
[services.api]
path = "api"
[services.api.build]
run = '''{BUILD}'''
inputs = ["version"]
outputs = []
pass-env = ["BUILDS", "PROGRAM", "REGISTRY", "DOCKER_CONFIG", "DOCKER_BUILDKIT"]
[services.api.deploy]
target = "compose"
[services.api.deploy.env.staging]
health = {{ http = "http://127.0.0.1:{}/healthz", timeout = "5s", interval = "50ms" }}
[services.api.deploy.env.production]
replicas = 3
health = {{ http = "http://127.0.0.1:{}/healthz", timeout = "5s", interval = "50ms" }}
"#,
            ports[0], ports[1], ports[0], ports[1]
        );
        let world = World::new(&[
            ("services.toml", &text),
            (".gitignore", ".image/\n"),
            ("api/version", "one"),
            ("api/compose.yaml", COMPOSE),
        ]);
        let builds = world.beside("builds");
        let mut world = world
            .with("BUILDS", builds)
            .with("PROGRAM", tiny_http())
            .with("REGISTRY", registry.address());
        for (name, value) in docker.variables() {
            world = world.with(name, value);
        }
        Some(Self {
            docker,
            registry,
            world,
            ports,
        })
    }

    fn docker(&self, arguments: &[&str]) -> String {
        let output = self.docker.docker(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {arguments:?}: {error}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The images of what runs, of a compose project.
    fn images(&self, project: &str) -> Vec<String> {
        let label = format!("label=com.docker.compose.project={project}");
        let all = self.docker(&["ps", "--quiet", "--filter", &label]);
        let image = |id: &str| self.docker(&["inspect", "--format", "{{.Config.Image}}", id]);
        all.lines().map(image).collect()
    }

    fn page(&self, environment: usize) -> String {
        get(self.ports[environment], "/").unwrap_or_default()
    }
}

/// All in one, as starting a daemon takes long and only one may run.
#[test]
fn images_go_from_the_build_through_the_environments_by_their_digest() {
    let Some(site) = Site::new() else {
        return;
    };
    let world = &site.world;
    world.ok("deploy --env staging --bootstrap");
    assert_eq!(site.page(0), "one");
    let first = world.runs("staging", "api");
    let digest = site.images("api-staging").remove(0);
    says(&digest, &[&site.registry.address(), "/api@sha256:"]);
    assert_eq!(site.images("api-staging"), vec![digest.clone(); 2]);

    // The same image, and more of it.
    world.ok("promote --from staging --to production");
    assert_eq!(site.page(1), "one");
    assert_eq!(site.images("api-production"), vec![digest.clone(); 4]);
    assert_eq!(world.lines("builds"), 1);

    // A version that is not well does not stay.
    world.change("api/version", "sick");
    let said = world.ends(5, "deploy --env staging");
    says(&said, &["not healthy after", "503", "rolled back to"]);
    assert_eq!(site.page(0), "one");
    assert_eq!(site.images("api-staging"), vec![digest.clone(); 2]);
    assert_eq!(world.runs("staging", "api"), first);

    world.change("api/version", "two");
    world.ok("deploy --env staging");
    assert_eq!(site.page(0), "two");
    assert_eq!(site.page(1), "one");
    let builds = world.lines("builds");
    world.ok("rollback --env staging");
    assert_eq!(site.page(0), "one");
    assert_eq!(site.images("api-staging"), vec![digest.clone(); 2]);

    // Forward again, by what is recorded, but the image is gone: nothing is touched.
    world.ok("deploy --env staging --retry-held");
    assert_eq!(site.page(0), "two");
    let second = site.images("api-staging").remove(0);
    forget(&site, &digest);
    let said = world.ends(1, "rollback --env staging api");
    says(&said, &["is neither here nor in its registry"]);
    assert_eq!(site.page(0), "two");
    assert_eq!(site.images("api-staging"), vec![second; 2]);
    assert_eq!(world.lines("builds"), builds);

    world.ok("down --env staging --yes");
    assert_eq!(site.page(0), "");
    assert!(site.images("api-staging").is_empty());
    assert_eq!(site.page(1), "one");
}

/// Deletes an image from the daemon and the registry. What uses it there goes on.
fn forget(site: &Site, digest: &str) {
    let tag = format!("{}/api:one", site.registry.address());
    site.docker(&["rmi", "--force", digest, &tag]);
    let (_, id) = digest.split_once('@').unwrap();
    let answer = ask(
        &site.registry.address(),
        "DELETE",
        &format!("/v2/api/manifests/{id}"),
    );
    assert!(answer.contains(" 202 "), "{answer}");
}

fn ask(address: &str, method: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
