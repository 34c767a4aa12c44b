//! Terraform and Terragrunt: modules and files that lie in the workspace.

use hcl_edit::Span;
use hcl_edit::expr::{Expression, FuncCall};
use hcl_edit::structure::{Attribute, Block, Body};
use hcl_edit::template::{Element, StringTemplate};
use hcl_edit::visit::{Visit, visit_attr, visit_block, visit_expr, visit_func_call};

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::syntax::lines::Lines;
use crate::model::manifest::{Manifest, Tie};
use crate::model::path::FilePath;

pub fn knows(name: &str) -> bool {
    name.ends_with(".tf") || name == "terragrunt.hcl"
}

pub fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let body: Body = hcl_edit::parser::parse_body(text)
        .map_err(|error| Error::at(file, error.location().line() as u32, error.message()))?;
    let mut reader = Reader {
        facts: Facts::of(file),
        lines: Lines::of(text),
        is_module: false,
    };
    reader.visit_body(&body);
    Ok(reader.facts.finish())
}

struct Reader {
    facts: Facts,
    lines: Lines,
    /// Whether what is read stands in a block that takes other configuration in.
    is_module: bool,
}

impl Visit for Reader {
    fn visit_block(&mut self, block: &Block) {
        let outer = self.is_module;
        self.is_module = matches!(
            block.ident.as_str(),
            "module" | "terraform" | "dependency" | "include"
        );
        visit_block(self, block);
        self.is_module = outer;
    }

    fn visit_attr(&mut self, attribute: &Attribute) {
        let outer = self.is_module;
        self.is_module &= matches!(attribute.key.as_str(), "source" | "config_path" | "path");
        visit_attr(self, attribute);
        self.is_module = outer;
    }

    fn visit_func_call(&mut self, call: &FuncCall) {
        if let Some(first) = call.args.iter().next()
            && is_of_files(&call.name.name)
            && let Some(text) = literal(first)
            && !is_relative(&text)
        {
            // Files are meant even without `./`.
            self.say(first, &text, Tie::Takes);
        }
        visit_func_call(self, call);
    }

    fn visit_expr(&mut self, expression: &Expression) {
        if let Some(text) = literal(expression).filter(|it| is_relative(it)) {
            let tie = match self.is_module {
                true => Tie::Declares,
                false => Tie::Takes,
            };
            self.say(expression, &text, tie);
        }
        visit_expr(self, expression);
    }
}

impl Reader {
    fn say(&mut self, expression: &Expression, written: &str, tie: Tie) {
        let at = expression.span().map_or(0, |span| span.start);
        // `//` divides a package from a module within it.
        let path = written.replace("//", "/");
        self.facts.reads(self.lines.at(at), &path, tie);
    }
}

fn is_of_files(name: &str) -> bool {
    name.starts_with("file") || matches!(name, "templatefile")
}

fn is_relative(text: &str) -> bool {
    text.starts_with("./") || text.starts_with("../")
}

/// A string that is known: `${path.module}` is the file's own directory.
fn literal(expression: &Expression) -> Option<String> {
    match expression {
        Expression::String(text) => Some(text.value().clone()),
        Expression::StringTemplate(template) => template_text(template),
        _ => None,
    }
}

fn template_text(template: &StringTemplate) -> Option<String> {
    let mut text = String::new();
    for (index, element) in template.iter().enumerate() {
        match element {
            Element::Literal(part) => text.push_str(part),
            Element::Interpolation(inside) if index == 0 => {
                let name = inside.expr.to_string();
                match name.trim() {
                    "path.module" | "path.root" | "path.cwd" | "get_terragrunt_dir()" => {
                        text.push('.');
                    }
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    Some(text)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing;

    pub const SAMPLE: &str = r#"module "db" {
  source = "../modules/db"
}
module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
}
data "archive_file" "x" {
  source_dir = "${path.module}/../../services/mail"
}
resource "x" "y" {
  policy = templatefile("policy.json", { a = file("${path.module}/b.txt") })
  name   = "${var.name}/../x"
}
"#;

    #[test]
    fn modules_are_declared_and_files_taken() {
        testing::check(
            read,
            "infra/main/main.tf",
            SAMPLE,
            &[
                "2: reads infra/modules/db Declares",
                "8: reads services/mail Takes",
                "11: reads infra/main/policy.json Takes",
                "11: reads infra/main/b.txt Takes",
            ],
        );
    }

    #[test]
    fn a_dependency_of_terragrunt_is_declared() {
        let text = "terraform {\n  source = \"../modules//app\"\n}\ndependency \"vpc\" {\n  config_path = \"../vpc\"\n}\n";
        testing::check(
            read,
            "live/app/terragrunt.hcl",
            text,
            &[
                "2: reads live/modules/app Declares",
                "5: reads live/vpc Declares",
            ],
        );
    }

    #[test]
    fn deep_nesting_is_refused_in_time() {
        for bracket in ["[", "(", "{", "-", "!", "\"${", "f(", "a ? ", "{a=", "a["] {
            let text = format!("a = {}", bracket.repeat(100_000));
            assert!(read(&"a.tf".into(), &text).is_err(), "{bracket}");
        }
    }
}
