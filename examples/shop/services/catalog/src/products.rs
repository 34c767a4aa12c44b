//! The products: read from a table, and checked once so that nobody has to doubt them.

use crate::json;

#[derive(Debug, PartialEq)]
pub struct Product {
    pub sku: String,
    pub name: String,
    pub cents: u32,
    pub tax_class: String,
}

impl Product {
    pub fn to_json(&self) -> String {
        format!(
            "{{\"sku\":{},\"name\":{},\"cents\":{},\"taxClass\":{}}}",
            json::string(&self.sku),
            json::string(&self.name),
            self.cents,
            json::string(&self.tax_class),
        )
    }
}

/// Reads the table of products; each must have a tax class that the contract knows.
pub fn read(table: &str, tax_classes: &str) -> Result<Vec<Product>, String> {
    let known: Vec<&str> = rows(tax_classes).map(|row| row[0]).collect();
    let mut products: Vec<Product> = Vec::new();
    for row in rows(table) {
        let product = product(&row).ok_or_else(|| format!("not a product: {row:?}"))?;
        if !known.contains(&product.tax_class.as_str()) {
            return Err(format!(
                "{}: the contract has no tax class `{}`",
                product.sku, product.tax_class
            ));
        }
        if products.iter().any(|other| other.sku == product.sku) {
            return Err(format!("{} is there twice", product.sku));
        }
        products.push(product);
    }
    Ok(products)
}

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

fn product(row: &[&str]) -> Option<Product> {
    let [sku, name, cents, tax_class] = row else {
        return None;
    };
    Some(Product {
        sku: sku.to_string(),
        name: name.to_string(),
        cents: cents.parse().ok()?,
        tax_class: tax_class.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    const CLASSES: &str = "# class, rate\nbooks\t210\n";

    fn check(table: &str, expected: Result<usize, &str>) {
        let found = read(table, CLASSES).map(|products| products.len());
        assert_eq!(found, expected.map_err(String::from));
    }

    #[test]
    fn tables_are_checked() {
        check("", Ok(0));
        check(
            "# a comment\n\nowls\tOwls\t1990\tbooks\nbees\tBees\t5\tbooks\n",
            Ok(2),
        );
        check(
            "owls\tOwls\t1990\tluxury\n",
            Err("owls: the contract has no tax class `luxury`"),
        );
        check(
            "owls\tOwls\t1\tbooks\nowls\tOwls\t2\tbooks\n",
            Err("owls is there twice"),
        );
        check(
            "owls\tOwls\t-1\tbooks\n",
            Err("not a product: [\"owls\", \"Owls\", \"-1\", \"books\"]"),
        );
        check("owls\n", Err("not a product: [\"owls\"]"));
    }

    #[test]
    fn the_real_table_keeps_to_the_real_contract() {
        let products = read(crate::PRODUCTS, crate::TAX_CLASSES).unwrap();
        assert!(!products.is_empty());
    }
}
