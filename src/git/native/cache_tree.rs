//! The `TREE` extension of an index: which tree object each directory of the index would be written as.

use std::ops::Range;

use crate::model::change::ObjectId;

/// The nodes of the extension, each before what is below it.
pub struct CacheTree {
    nodes: Vec<Node>,
    id_length: usize,
}

struct Node {
    name: Range<u32>,
    /// Where the id stands and how many entries it covers; none where the directory changed since.
    valid: Option<(u32, u32)>,
    /// The node after everything below this one.
    end: u32,
}

/// A directory that is still as its tree object says.
#[derive(Clone, Copy)]
pub struct Remembered {
    pub tree: ObjectId,
    pub entries: usize,
}

impl CacheTree {
    /// Reads the extension at `content` of the file's `bytes`; none if it is damaged.
    pub fn parse(bytes: &[u8], content: Range<usize>, id_length: usize) -> Option<Self> {
        let mut nodes: Vec<Node> = Vec::new();
        // The nodes around the place, each with how many of its children are still to come.
        let mut open: Vec<(usize, u32)> = Vec::new();
        let mut at = content.start;
        while at < content.end {
            let (node, children, next) = parse_node(&bytes[..content.end], at, id_length)?;
            at = next;
            match open.last_mut() {
                Some((_, missing)) => *missing -= 1,
                None if nodes.is_empty() => {}
                None => return None,
            }
            nodes.push(node);
            open.push((nodes.len() - 1, children));
            while let Some((parent, 0)) = open.last().copied() {
                nodes[parent].end = nodes.len() as u32;
                open.pop();
            }
        }
        open.is_empty().then_some(Self { nodes, id_length })
    }

    /// The node of the index's root.
    pub fn root(&self) -> Option<usize> {
        (!self.nodes.is_empty()).then_some(0)
    }

    /// What is remembered for a node, if it is still valid.
    pub fn remembered(&self, bytes: &[u8], node: usize) -> Option<Remembered> {
        let (at, entries) = self.nodes[node].valid?;
        let id = bytes.get(at as usize..at as usize + self.id_length)?;
        Some(Remembered {
            tree: ObjectId::from_bytes(id)?,
            entries: entries as usize,
        })
    }

    /// The nodes right below a node, with their names, sorted.
    pub fn children<'b>(&self, bytes: &'b [u8], node: usize) -> Vec<(&'b [u8], usize)> {
        let mut children = Vec::new();
        let mut next = node + 1;
        while next < self.nodes[node].end as usize {
            let name = &self.nodes[next].name;
            children.push((&bytes[name.start as usize..name.end as usize], next));
            next = self.nodes[next].end as usize;
        }
        children.sort_unstable();
        children
    }
}

/// A node, how many children it has, and where the next node begins.
fn parse_node(bytes: &[u8], at: usize, id_length: usize) -> Option<(Node, u32, usize)> {
    let name = at..at + position(bytes.get(at..)?, 0)?;
    let rest = name.end + 1;
    let line = rest + position(bytes.get(rest..)?, b'\n')?;
    let text = std::str::from_utf8(&bytes[rest..line]).ok()?;
    let (entries, children) = text.split_once(' ')?;
    let entries: i64 = entries.parse().ok()?;
    let valid = u32::try_from(entries).ok();
    let id = line + 1;
    let next = match valid {
        Some(_) => id + id_length,
        None => id,
    };
    let node = Node {
        name: name.start as u32..name.end as u32,
        valid: valid.map(|entries| (id as u32, entries)),
        end: 0,
    };
    (next <= bytes.len()).then_some((node, children.parse().ok()?, next))
}

fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|byte| *byte == wanted)
}
