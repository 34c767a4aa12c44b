//! Tells people of a run on standard error: lines that stay, and on a terminal live lines below them.

use std::sync::Arc;

use crate::model::event::Event;
use crate::report::board::Board;
use crate::report::clock::Clock;
use crate::report::output::Output;
use crate::report::pulse::{Pulse, SILENCE};
use crate::report::reporter::Reporter;
use crate::report::settings::{Settings, Verbosity};
use crate::report::story::{Piece, Story};

/// The reporter for people.
pub struct People {
    story: Story,
    output: Output,
    sign: SignOfLife,
}

/// How people see that the run goes on.
pub enum SignOfLife {
    /// Live lines on a terminal.
    Board(Board),
    /// A line after a long silence.
    Pulse(Pulse),
    /// Not at all: it is over, or they asked for quiet.
    None,
}

impl People {
    /// Writes to `output`. With live lines where the settings say that it is a terminal.
    pub fn new(settings: &Settings, output: Output) -> Self {
        let board = match settings.live {
            true => Board::on_stderr(settings.stderr, Clock::start()),
            false => None,
        };
        let sign = match board {
            Some(board) => SignOfLife::Board(board),
            None if settings.verbosity == Verbosity::Quiet => SignOfLife::None,
            None => SignOfLife::Pulse(Pulse::start(output.clone(), Clock::start(), SILENCE)),
        };
        Self::with_sign(settings, output, sign)
    }

    /// The same with a given sign of life.
    pub fn with_sign(settings: &Settings, output: Output, sign: SignOfLife) -> Self {
        let story = Story::new(settings);
        Self {
            story,
            output,
            sign,
        }
    }

    /// Draws the live lines anew.
    #[cfg(test)]
    pub fn redraw(&self) {
        if let SignOfLife::Board(board) = &self.sign {
            board.redraw();
        }
    }
}

impl Reporter for People {
    fn event(&mut self, event: &Event) {
        if let Event::RunFinished { .. } = event {
            self.sign = SignOfLife::None;
        }
        match &self.sign {
            SignOfLife::Board(board) => show(board, event),
            SignOfLife::Pulse(pulse) => note(pulse, &self.story, event),
            SignOfLife::None => {}
        }
        let (sign, output) = (&self.sign, &self.output);
        self.story.tell(event, &mut |piece| match (piece, sign) {
            (Piece::Text(text), SignOfLife::Board(board)) => board.print(text, output),
            (Piece::Text(text), SignOfLife::Pulse(pulse)) => {
                pulse.spoke();
                output.write_bytes(text);
            }
            (Piece::Text(text), SignOfLife::None) => output.write_bytes(text),
            (Piece::Command(command), _) => output.command(&command),
        });
    }
}

fn show(board: &Board, event: &Event) {
    match event {
        Event::RunStarted { plan, .. } => board.begin(Arc::clone(plan)),
        Event::TaskStarted { task, .. } => board.started(*task),
        Event::TaskWrote { task, bytes } => board.wrote(*task, bytes),
        Event::TaskFinished { task, result } => board.finished(*task, result),
        Event::Stopping { reason } => board.stopping(reason),
        Event::TaskRetried { .. }
        | Event::Warned { .. }
        | Event::Noted { .. }
        | Event::Advised { .. }
        | Event::RunFinished { .. } => {}
    }
}

fn note(pulse: &Pulse, story: &Story, event: &Event) {
    match event {
        Event::TaskStarted { task, .. } => pulse.started(*task, story.name(*task)),
        Event::TaskFinished { task, .. } => pulse.finished(*task),
        Event::RunStarted { .. }
        | Event::TaskWrote { .. }
        | Event::TaskRetried { .. }
        | Event::Warned { .. }
        | Event::Noted { .. }
        | Event::Advised { .. }
        | Event::Stopping { .. }
        | Event::RunFinished { .. } => {}
    }
}
