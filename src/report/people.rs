//! Tells people of a run on standard error: lines that stay, and on a terminal live lines below them.

use std::sync::Arc;

use crate::model::event::Event;
use crate::report::board::Board;
use crate::report::clock::Clock;
use crate::report::output::Output;
use crate::report::reporter::Reporter;
use crate::report::settings::Settings;
use crate::report::story::Story;

/// The reporter for people.
pub struct People {
    story: Story,
    output: Output,
    board: Option<Board>,
}

impl People {
    /// Writes to `output`. With live lines where the settings say that it is a terminal.
    pub fn new(settings: &Settings, output: Output) -> Self {
        let board = settings
            .live
            .then(|| Board::on_stderr(settings.stderr, Clock::start()));
        Self::with_board(settings, output, board)
    }

    /// The same with a given board.
    pub fn with_board(settings: &Settings, output: Output, board: Option<Board>) -> Self {
        let story = Story::new(settings);
        Self {
            story,
            output,
            board,
        }
    }
}

impl Reporter for People {
    fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { plan, .. } => self.with(|board| board.begin(Arc::clone(plan))),
            Event::TaskStarted { task, .. } => self.with(|board| board.started(*task)),
            Event::TaskWrote { task, bytes } => self.with(|board| board.wrote(*task, bytes)),
            Event::TaskFinished { task, result } => {
                self.with(|board| board.finished(*task, result))
            }
            Event::Stopping { .. } => self.with(Board::stopping),
            Event::RunFinished { .. } => drop(self.board.take()),
            Event::TaskRetried { .. } | Event::Warned { .. } => {}
        }
        let (board, output) = (&self.board, &self.output);
        self.story.tell(event, &mut |text| match board {
            Some(board) => board.print(text),
            None => output.write_bytes(text),
        });
    }
}

impl People {
    /// Draws the live lines anew.
    #[cfg(test)]
    pub fn redraw(&self) {
        self.board.iter().for_each(Board::redraw);
    }

    fn with(&mut self, act: impl FnOnce(&Board)) {
        if let Some(board) = &self.board {
            act(board);
        }
    }
}
