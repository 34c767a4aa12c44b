//! `pnpm-lock.yaml`.

use crate::manifest::lock::tests::Case;

const PNPM_9: &str = "lockfileVersion: '9.0'

settings:
  autoInstallPeers: true

catalogs:
  default:
    zod:
      specifier: ^3.22.0
      version: 3.22.4

importers:

  .:
    devDependencies:
      typescript:
        specifier: ^5.2.2
        version: 5.2.2

  packages/cart:
    dependencies:
      '@shop/ui':
        specifier: workspace:*
        version: link:../ui
      zod:
        specifier: 'catalog:'
        version: 3.22.4

  packages/jobs:
    dependencies:
      left:
        specifier: npm:left-pad@^1.3.0
        version: left-pad@1.3.0

  packages/ui:
    dependencies:
      react-dom:
        specifier: ^18.2.0
        version: 18.2.0(react@18.2.0)

packages:

  left-pad@1.3.0:
    resolution: {integrity: sha512-left}

  react-dom@18.2.0:
    resolution: {integrity: sha512-dom}
    peerDependencies:
      react: ^18.2.0

  react@18.2.0:
    resolution: {integrity: sha512-react}

  typescript@5.2.2:
    resolution: {integrity: sha512-ts}

  zod@3.22.4:
    resolution: {integrity: sha512-zod}

snapshots:

  left-pad@1.3.0: {}

  react-dom@18.2.0(react@18.2.0):
    dependencies:
      react: 18.2.0

  react@18.2.0: {}

  typescript@5.2.2: {}

  zod@3.22.4: {}
";

#[test]
fn pnpm_importers_name_what_they_have() {
    let case = Case::new("pnpm-lock.yaml", PNPM_9, &[]);
    assert_eq!(case.change("sha512-zod", "x"), ["packages/cart: zod"]);
    assert_eq!(
        case.change("sha512-react", "x"),
        ["packages/cart: react", "packages/ui: react"]
    );
    assert_eq!(case.change("sha512-left", "x"), ["packages/jobs: left-pad"]);
    assert_eq!(case.change("sha512-ts", "x").len(), 3);
    let tool =
        "      '@shop/ui':\n        specifier: workspace:*\n        version: link:packages/ui\n";
    let section = "    devDependencies:\n";
    let text = PNPM_9.replace(section, &format!("{section}{tool}"));
    let through = Case::new("pnpm-lock.yaml", &text, &[]);
    assert_eq!(through.change("sha512-react", "x").len(), 3);
    assert_eq!(through.change("sha512-zod", "x"), ["packages/cart: zod"]);
    assert_eq!(
        case.change("autoInstallPeers: true", "autoInstallPeers: false")
            .len(),
        3
    );
    assert_eq!(
        case.change("^3.22.0", "^3.22.1"),
        ["packages/cart: packages/cart"]
    );
    assert_eq!(
        case.change("react: 18.2.0\n\n  react@", "gone: 1.0.0\n\n  react@"),
        ["packages/cart?", "packages/ui?"]
    );
    assert!(case.refused("'9.0'", "'5.4'").contains("version 6 or 9"));
    assert!(
        case.refused("importers:\n", "importers: [\n")
            .contains("not YAML")
    );
    assert!(
        case.refused("{}", "*x").contains("YAML") || case.refused("{}", "*x").contains("aliases")
    );
}

const PNPM_6: &str = "lockfileVersion: '6.0'

importers:

  .: {}

  a:
    dependencies:
      react-dom:
        specifier: ^18.2.0
        version: 18.2.0(react@18.2.0)

  b:
    dependencies:
      git-thing:
        specifier: github:owner/git-thing
        version: github.com/owner/git-thing/0123abc

packages:

  /react-dom@18.2.0(react@18.2.0):
    resolution: {integrity: sha512-dom}
    dependencies:
      react: 18.2.0
    dev: false

  /react@18.2.0:
    resolution: {integrity: sha512-react}
    dev: false

  github.com/owner/git-thing/0123abc:
    resolution: {tarball: https://codeload.github.com/owner/git-thing/tar.gz/0123abc}
    name: git-thing
    version: 1.0.0
    dev: false
";

#[test]
fn older_pnpm_files_are_read_too() {
    let case = Case::new("pnpm-lock.yaml", PNPM_6, &[]);
    assert_eq!(case.change("sha512-react", "x"), ["a: react"]);
    assert_eq!(case.change("version: 1.0.0", "version: 1.0.1").len(), 1);
}
