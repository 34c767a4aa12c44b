//! `package-lock.json`.

use crate::manifest::lock::tests::Case;

const NPM: &str = r#"{
  "name": "shop",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
    "": {"name": "shop", "workspaces": ["packages/*"], "devDependencies": {"typescript": "^5.0.0", "@shop/ui": "*"}},
    "node_modules/@shop/cart": {"resolved": "packages/cart", "link": true},
    "node_modules/@shop/ui": {"resolved": "packages/ui", "link": true},
    "node_modules/fsevents": {"version": "2.3.3", "integrity": "sha512-fsevents", "optional": true},
    "node_modules/lodash": {"version": "4.17.21", "integrity": "sha512-lodash4"},
    "node_modules/react": {"version": "18.2.0", "integrity": "sha512-react", "dependencies": {"loose-envify": "^1.1.0"}},
    "node_modules/loose-envify": {"version": "1.4.0", "integrity": "sha512-loose"},
    "node_modules/react-dom": {"version": "18.2.0", "integrity": "sha512-dom", "peerDependencies": {"react": "^18.2.0"}},
    "node_modules/typescript": {"version": "5.2.2", "integrity": "sha512-ts", "dev": true},
    "packages/cart": {"name": "@shop/cart", "version": "1.0.0", "dependencies": {"@shop/ui": "*", "lodash": "^3.0.0"}},
    "packages/cart/node_modules/lodash": {"version": "3.10.1", "integrity": "sha512-lodash3"},
    "packages/jobs": {"name": "@shop/jobs", "dependencies": {"lodash": "^4.0.0"}, "optionalDependencies": {"fsevents": "*", "absent": "*"}},
    "packages/ui": {"name": "@shop/ui", "version": "1.0.0", "dependencies": {"react-dom": "^18.0.0"}, "peerDependencies": {"nowhere": "*"}}
  }
}"#;

#[test]
fn npm_packages_are_found_as_node_finds_them() {
    let case = Case::new("package-lock.json", NPM, &[]);
    assert_eq!(
        case.change("sha512-lodash3", "x"),
        ["packages/cart: lodash"]
    );
    assert_eq!(
        case.change("sha512-lodash4", "x"),
        ["packages/jobs: lodash"]
    );
    assert_eq!(
        case.change("sha512-fsevents", "x"),
        ["packages/jobs: fsevents"]
    );
    // Tools of the outermost package are there for all.
    assert_eq!(case.change("sha512-ts", "x").len(), 3);
    // Of those that are packages of the workspace, so is what they need.
    assert_eq!(case.change("sha512-loose", "x").len(), 3);
    let apart = Case::new(
        "package-lock.json",
        &NPM.replace(r#", "@shop/ui": "*"}}"#, "}}"),
        &[],
    );
    let both = ["packages/cart: loose-envify", "packages/ui: loose-envify"];
    assert_eq!(apart.change("sha512-loose", "x"), both);
    // Another version that is nearer is found instead.
    let nearer = r#""packages/jobs/node_modules/lodash": {"version": "4.0.0"}, "packages/ui": {"#;
    assert_eq!(
        case.change(r#""packages/ui": {"#, nearer),
        ["packages/jobs: lodash"]
    );
    assert_eq!(
        case.change(r#""lodash": "^4.0.0""#, r#""gone": "*""#),
        ["packages/jobs?"]
    );
    assert!(
        case.refused("\"lockfileVersion\": 3", "\"lockfileVersion\": 1")
            .contains("version 2 or 3")
    );
    assert!(case.refused("{", "[").contains("not JSON"));
}
