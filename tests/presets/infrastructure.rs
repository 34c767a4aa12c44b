//! What services run on and speak through: images, modules of Terraform, charts, protobuf, pages.

use crate::project::{Project, have, repository, search_path};
use crate::servers::Docker;

#[test]
fn terraform_checks_a_module() {
    Project {
        preset: "terraform",
        with: "",
        tools: &["terraform"],
        files: &[(
            "main.tf",
            "variable \"one\" {\n  type = number\n}\n\noutput \"two\" {\n  value = var.one + 1\n}\n",
        )],
        outputs: &[],
        broken: ("main.tf", "output \"two\" {\n  value = var.one + 1\n}\n"),
    }
    .works();
}

#[test]
fn helm_packs_a_chart() {
    Project {
        preset: "helm",
        with: "",
        tools: &["helm"],
        files: &[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: hello\nversion: 0.1.0\nicon: https://example.test/icon.png\n",
            ),
            ("values.yaml", "one: 1\n"),
            (
                "templates/one.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hello\ndata:\n  one: {{ .Values.one | quote }}\n",
            ),
        ],
        outputs: &["dist/hello-0.1.0.tgz"],
        broken: ("templates/one.yaml", "{{ nothing }}\n"),
    }
    .works();
}

#[test]
fn protobuf_files_become_a_descriptor_set() {
    Project {
        preset: "proto",
        with: "",
        tools: &["protoc"],
        files: &[
            (
                "hello/one.proto",
                "syntax = \"proto3\";\npackage hello;\nmessage One { int32 one = 1; }\n",
            ),
            (
                "two.proto",
                "syntax = \"proto3\";\nimport \"hello/one.proto\";\nmessage Two { hello.One one = 1; }\n",
            ),
        ],
        outputs: &["dist/descriptors.binpb"],
        broken: ("two.proto", "syntax = \"proto3\";\nmessage Two { One one = 1; }\n"),
    }
    .works();
}

#[test]
fn buf_makes_the_same_where_it_is_used() {
    let one = "syntax = \"proto3\";\n\npackage hello.v1;\n\nmessage One {\n  int32 one = 1;\n}\n";
    Project {
        preset: "proto",
        with: "",
        tools: &["buf"],
        files: &[("buf.yaml", "version: v2\n"), ("hello/v1/one.proto", one)],
        outputs: &["dist/descriptors.binpb"],
        broken: (
            "hello/v1/one.proto",
            "syntax = \"proto3\";\n\nmessage One {\n  Two one = 1;\n}\n",
        ),
    }
    .works();
}

#[test]
fn a_static_site_is_copied_and_its_links_are_followed() {
    Project {
        preset: "static-site",
        with: "",
        tools: &["tar", "tidy"],
        files: &[
            (
                "index.html",
                "<!DOCTYPE html>\n<html lang=\"en\"><head><title>one</title></head><body>\n<a href=\"/more/#it\">more</a> <a href=\"https://example.test/\">far</a> <a href='more/two.html?x'>two</a></body></html>\n",
            ),
            (
                "more/index.html",
                "<!DOCTYPE html>\n<html lang=\"en\"><head><title>more</title></head><body><p id=\"it\"><a href=\"../index.html\">back</a></p></body></html>\n",
            ),
            (
                "more/two.html",
                "<!DOCTYPE html>\n<html lang=\"en\"><head><title>two</title></head><body><p>two</p></body></html>\n",
            ),
        ],
        outputs: &["dist/more/two.html"],
        broken: (
            "index.html",
            "<!DOCTYPE html>\n<html lang=\"en\"><head><title>one</title></head><body><a href=\"gone.html\">gone</a></body></html>\n",
        ),
    }
    .works();
}

#[test]
fn an_image_is_built_and_named_by_its_value() {
    if !have(&["docker"]) {
        return;
    }
    let Some(docker) = Docker::start() else {
        return;
    };
    let repo = repository();
    repo.write("it/Dockerfile", "FROM scratch\nCOPY hello /hello\n");
    repo.write("it/hello", "hello\n");
    repo.write(
        "services.toml",
        "version = 1\n[services.it]\npath = \"it\"\nuses = \"docker\"\n[services.it.tasks.tell]\nrun = 'docker image inspect --format \"{{.Id}}\" \"$SVC_VALUE_IT_IMAGE\"'\nneeds = [\"build\"]\n",
    );
    repo.commit("an image");
    let mut svc = repo
        .svc(&["run", "tell", "--all"])
        .env("PATH", search_path());
    for (name, value) in docker.variables() {
        svc = svc.env(name, value);
    }
    let said = svc.run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(said.all().contains("sha256:"), "{}", said.all());
}
