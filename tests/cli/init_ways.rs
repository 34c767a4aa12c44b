//! How services run and are deployed, as `svc init` writes it down: only where that is sure.

use crate::support::TestRepo;

const NODE: (&str, &str) = (
    "web/package.json",
    r#"{"name": "web", "scripts": {"start": "node main.js"}}"#,
);
const MAIN: (&str, &str) = ("web/main.js", "");
const IMAGE: &str =
    "FROM node:20\nENV NODE_ENV=production\nCOPY . .\nEXPOSE 8080\nCMD [\"npm\", \"start\"]\n";
const GO: (&str, &str) = ("api/go.mod", "module shop.test/api\n\ngo 1.22\n");
const MAIN_GO: (&str, &str) = ("api/main.go", "package main\nfunc main() {}\n");
const GO_IMAGE: &str = "FROM golang:1.22 AS build\nENV X=y\nEXPOSE 1\nRUN go build -o /app .\nFROM scratch\nCOPY --from=build /app /\nEXPOSE 9090\nENTRYPOINT [\"/app\"]\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  image: shop/web:1\n";
const CHART: &str = "apiVersion: v2\nname: web\n";

/// What is written of how services run and are deployed, and that it is valid.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let repo = TestRepo::with_files(files);
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let written = repo.read("services.toml");
    let ways = written
        .lines()
        .filter(|it| it.starts_with("serve") || it.starts_with("deploy"));
    assert_eq!(ways.collect::<Vec<_>>(), expected, "{written}");
    let said = repo.svc(&["check"]).run();
    assert_eq!(said.code(), 0, "{}\n{written}", said.all());
}

#[test]
fn what_an_image_starts_runs_here_as_well() {
    let npm = r#"serve = { run = "npm start", port = 8080 }"#;
    check(&[NODE, MAIN, ("web/Dockerfile", IMAGE)], &[npm]);
    let with = |from: &str, to: &str| IMAGE.replace(from, to);
    let obeys = with("COPY", "ENV PORT 8080\nCOPY");
    check(
        &[NODE, MAIN, ("web/Dockerfile", &obeys)],
        &[r#"serve = { run = 'PORT="$SVC_PORT" npm start', port = 8080 }"#],
    );
    let asked = with(
        "CMD",
        "HEALTHCHECK CMD curl -f http://localhost:8080/healthz || exit 1\nCMD",
    );
    check(
        &[NODE, MAIN, ("web/Dockerfile", &asked)],
        &[r#"serve = { run = "npm start", port = 8080, health = "/healthz" }"#],
    );
    let file = with(r#"["npm", "start"]"#, "node main.js");
    check(
        &[NODE, MAIN, ("web/Dockerfile", &file)],
        &[r#"serve = { run = "node main.js", port = 8080 }"#],
    );
    check(
        &[GO, MAIN_GO, ("api/Dockerfile", GO_IMAGE)],
        &[r#"serve = { run = "dist/api", port = 9090 }"#],
    );
    check(
        &[
            (
                "jobs/pyproject.toml",
                "[project]\nname = \"jobs\"\nversion = \"1\"\n",
            ),
            ("jobs/uv.lock", "version = 1\n"),
            ("jobs/main.py", ""),
            (
                "jobs/Dockerfile",
                "FROM python:3\nEXPOSE 7000\nCMD python main.py\n",
            ),
        ],
        &[r#"serve = { run = "uv run --locked python main.py", port = 7000 }"#],
    );
    // Compose may say no more than the image does.
    let compose = "services:\n  web:\n    build: web\n    ports: ['80:8080']\n    healthcheck: { test: [CMD, wget, 'http://127.0.0.1:8080/up'] }\n";
    check(
        &[
            NODE,
            MAIN,
            ("web/Dockerfile", IMAGE),
            ("compose.yaml", compose),
        ],
        &[r#"serve = { run = "npm start", port = 8080, health = "/up" }"#],
    );
}

#[test]
fn what_takes_more_than_its_image_is_not_said_to_run() {
    let spoilt = [
        ("EXPOSE 8080", "EXPOSE 8080 9090"),
        ("EXPOSE 8080", "EXPOSE 80"),
        ("EXPOSE 8080\n", ""),
        ("ENV NODE_ENV=production", "ENV DB=db:5432"),
        ("[\"npm\", \"start\"]", "npm start && true"),
        ("[\"npm\", \"start\"]", "[\"npm\", \"run\", \"serve\"]"),
        ("[\"npm\", \"start\"]", "[\"node\", \"gone.js\"]"),
        ("CMD", "ENTRYPOINT [\"./start.sh\"]\nCMD"),
    ];
    for (from, to) in spoilt {
        let image = IMAGE.replace(from, to);
        check(&[NODE, MAIN, ("web/Dockerfile", &image)], &[]);
    }
    for more in [
        "environment: { DB: db }",
        "environment: [DB]",
        "env_file: .env",
        "command: npm run other",
        "depends_on: [db]",
        "volumes: ['./data:/data']",
        "ports: ['80:9999']",
    ] {
        let compose = format!("services:\n  web:\n    build: web\n    {more}\n");
        check(
            &[
                NODE,
                MAIN,
                ("web/Dockerfile", IMAGE),
                ("compose.yaml", &compose),
            ],
            &[],
        );
    }
    // What manifests give to the image it needs to run.
    let given = format!("{DEPLOYMENT}  env:\n  - name: PORT\n");
    let compose = "services:\n  web:\n    build: web\n    image: shop/web\n";
    check(
        &[
            NODE,
            MAIN,
            ("web/Dockerfile", IMAGE),
            ("compose.yaml", compose),
            ("k8s/all.yaml", &given),
        ],
        &[r#"deploy = { target = "kubernetes", manifests = "/k8s" }"#],
    );
    // Two cannot listen at one place.
    let image = GO_IMAGE.replace("9090", "8080");
    check(
        &[
            NODE,
            MAIN,
            ("web/Dockerfile", IMAGE),
            GO,
            MAIN_GO,
            ("api/Dockerfile", &image),
        ],
        &[],
    );
    // A copy of what was built has no packages beside it.
    let package = r#"{"name": "web", "scripts": {"start": "node main.js", "build": "tsc"}, "dependencies": {"express": "4"}}"#;
    let options = r#"{"compilerOptions": {"outDir": "dist"}}"#;
    check(
        &[
            ("web/package.json", package),
            ("web/tsconfig.json", options),
            MAIN,
            ("web/Dockerfile", IMAGE),
        ],
        &[],
    );
}

#[test]
fn manifests_or_a_chart_of_its_own_deploy_a_service() {
    let image = ("web/Dockerfile", "FROM node:20\n");
    let manifests = r#"deploy = { target = "kubernetes", manifests = "k8s" }"#;
    check(
        &[NODE, image, ("web/k8s/web.yaml", DEPLOYMENT)],
        &[manifests],
    );
    check(
        &[
            NODE,
            image,
            ("web/k8s/web.yaml", DEPLOYMENT),
            ("web/k8s/kustomization.yaml", "resources: [web.yaml]\n"),
            ("web/k8s/values.json", "{}"),
        ],
        &[manifests],
    );
    check(
        &[
            NODE,
            image,
            ("web/chart/Chart.yaml", CHART),
            (
                "web/chart/templates/web.yaml",
                "kind: Deployment\napiVersion: {{ x }}\n",
            ),
        ],
        &[r#"deploy = { target = "helm", chart = "chart" }"#],
    );
    let compose = (
        "compose.yaml",
        "services:\n  web:\n    build: web\n    image: shop/web\n",
    );
    check(
        &[NODE, image, compose, ("k8s/web/web.yaml", DEPLOYMENT)],
        &[r#"deploy = { target = "kubernetes", manifests = "/k8s/web" }"#],
    );
}

#[test]
fn overlays_that_are_named_like_environments_are_chosen_by_them() {
    let image = ("web/Dockerfile", "FROM node:20\n");
    let base = [
        ("web/k8s/base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("web/k8s/base/web.yaml", DEPLOYMENT),
    ];
    let overlay = "resources: [../../base]\n";
    let both = [
        ("web/k8s/overlays/staging/kustomization.yaml", overlay),
        ("web/k8s/overlays/production/kustomization.yaml", overlay),
    ];
    let way = r#"deploy = { target = "kubernetes", manifests = "k8s/overlays/${env}" }"#;
    let with = |more: &[(&str, &str)], expected: &[&str]| {
        check(&[&[NODE, image], &base[..], more].concat(), expected);
    };
    with(&both, &[way]);
    let patched = "resources: [../../base]\ncomponents: [../../parts/x]\n";
    let part = "kind: Component\npatches: [{ path: x.yaml }]\n";
    with(
        &[
            ("web/k8s/overlays/staging/kustomization.yaml", patched),
            both[1],
            ("web/k8s/parts/x/kustomization.yaml", part),
        ],
        &[way],
    );
    with(&both[..1], &[]);
    let other = [("web/k8s/overlays/with-istio/kustomization.yaml", overlay)];
    with(&[&both[..], &other].concat(), &[]);
    let alone = [(
        "web/k8s/overlays/qa/kustomization.yaml",
        "resources: [x.yaml]\n",
    )];
    with(&[&both[..], &alone].concat(), &[]);
    // Where they lie does not matter, only whose image they name.
    let beside = "resources: [../base]\n";
    check(
        &[
            NODE,
            image,
            (
                "compose.yaml",
                "services:\n  web: { build: web, image: shop/web }\n",
            ),
            ("k8s/web/base/kustomization.yaml", "resources: [web.yaml]\n"),
            ("k8s/web/base/web.yaml", DEPLOYMENT),
            ("k8s/web/dev/kustomization.yaml", beside),
            ("k8s/web/eu-prod/kustomization.yaml", beside),
        ],
        &[r#"deploy = { target = "kubernetes", manifests = "/k8s/web/${env}" }"#],
    );
}

#[test]
fn where_there_is_a_choice_nothing_is_said_of_deploys() {
    let image = ("web/Dockerfile", "FROM node:20\n");
    let others: &[&[(&str, &str)]] = &[
        // Overlays that are not named like environments.
        &[
            ("web/k8s/base/kustomization.yaml", "resources: [web.yaml]\n"),
            ("web/k8s/base/web.yaml", DEPLOYMENT),
            (
                "web/k8s/overlays/a/kustomization.yaml",
                "resources: [../../base]\n",
            ),
        ],
        &[
            ("web/k8s/web.yaml", DEPLOYMENT),
            ("web/chart/Chart.yaml", CHART),
        ],
        &[
            ("web/k8s/web.yaml", DEPLOYMENT),
            ("web/k8s/settings.yaml", "a: b\n"),
        ],
        &[
            ("web/k8s/web.yaml", DEPLOYMENT),
            ("web/k8s/more/job.yaml", DEPLOYMENT),
        ],
        &[("web/k8s/web.yaml", "kind: Deployment\napiVersion: ${X}\n")],
        &[("web/k8s/web.yaml", "kind: Service\napiVersion: v1\n")],
        &[("web/k8s/web.yaml", "kind: Service\napiVersion: v1\n")],
        &[
            (
                "web/kustomize/kustomization.yaml",
                "kind: Component\nresources: [web.yaml]\n",
            ),
            ("web/kustomize/web.yaml", DEPLOYMENT),
        ],
        // Manifests of several services.
        &[
            (
                "compose.yaml",
                "services:\n  web: { build: web, image: shop/web }\n  api: { build: api, image: shop/api }\n",
            ),
            GO,
            ("api/Dockerfile", "FROM scratch\n"),
            ("k8s/web.yaml", DEPLOYMENT),
            (
                "k8s/api.yaml",
                "apiVersion: v1\nkind: Deployment\nimage: shop/api\n",
            ),
        ],
        &[
            GO,
            ("api/Dockerfile", "FROM scratch\n"),
            ("api/main.go", ""),
            (
                "web/chart/Chart.yaml",
                "name: web\ndependencies: [{ name: api, repository: 'file://../../api' }]\n",
            ),
        ],
    ];
    for files in others {
        check(&[&[NODE, image], *files].concat(), &[]);
    }
}

/// A library's build can be kept, if it is known to leave nothing.
#[test]
fn of_libraries_that_leave_nothing_the_builds_are_cached() {
    let repo = TestRepo::with_files(&[
        (
            "libs/common/package.json",
            r#"{"name": "common", "main": "x.js"}"#,
        ),
        (
            "libs/built/package.json",
            r#"{"name": "built", "main": "x.js", "scripts": {"build": "x"}}"#,
        ),
        (
            "libs/money/Cargo.toml",
            "[package]\nname = \"money\"\nversion = \"1.0.0\"\n",
        ),
        ("libs/money/src/lib.rs", ""),
        (
            "till/Cargo.toml",
            "[package]\nname = \"till\"\nversion = \"1.0.0\"\n[dependencies]\nmoney = { path = \"../libs/money\" }\n",
        ),
        ("till/src/main.rs", "fn main() {}\n"),
    ]);
    assert_eq!(repo.svc(&["init"]).run().code(), 0);
    let written = repo.read("services.toml");
    let of = |name: &str| {
        let (_, rest) = written.split_once(&format!("[services.{name}]\n")).unwrap();
        rest.split("\n[")
            .next()
            .unwrap()
            .contains("build.outputs = []")
    };
    assert!(of("common") && of("money"), "{written}");
    assert!(!of("built") && !of("till"), "{written}");
    assert_eq!(repo.svc(&["check"]).run().code(), 0);
}
