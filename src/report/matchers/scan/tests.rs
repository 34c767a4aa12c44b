//! What tools print, as they print it.

use super::*;

fn scan(text: &str) -> Vec<String> {
    let mut scanner = Scanner::default();
    let mut resolve = |file: &str, _: bool| {
        let is_ours = !file.contains("/lib/") && !file.contains("node_modules");
        let file = file.trim_start_matches("./").trim_start_matches("/w/");
        is_ours.then(|| FilePath::from(file))
    };
    for piece in text.as_bytes().chunks(7) {
        scanner.feed(piece, &mut resolve);
    }
    let (found, _) = scanner.finish(&mut resolve);
    let line = |it: &Found| {
        let number = |it: Option<u32>| it.map_or(String::new(), |it| format!(":{it}"));
        let severity = match it.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        let code = it.code.as_ref();
        let code = code.map_or(String::new(), |it| format!("[{it}]"));
        let test = it
            .test
            .as_ref()
            .map_or(String::new(), |it| format!("{{{it}}} "));
        format!(
            "{}{}{} {severity}{code} {test}{}",
            it.path.display(),
            number(it.line),
            number(it.column),
            it.message
        )
    };
    found.iter().map(line).collect()
}

#[test]
fn what_rust_says() {
    let text = "\
\x1b[1m\x1b[91merror[E0308]\x1b[0m: mismatched types
 \x1b[1m--> \x1b[0msrc/lib.rs:2:5
  |
2 |     1
  |     ^ expected `String`, found integer

warning: unused variable: `x`
  --> crates/a/src/main.rs:4:9
   |
   = note: `#[warn(unused_variables)]` on by default

error: could not compile `a` (lib) due to 1 previous error
thread 'tests::adds' (1234) panicked at src/money.rs:10:9:
assertion `left == right` failed
  left: 1
thread 'main' panicked at src/main.rs:3:5:
no such file
";
    assert_eq!(
        scan(text),
        [
            "src/lib.rs:2:5 error[E0308] mismatched types",
            "crates/a/src/main.rs:4:9 warning unused variable: `x`",
            "src/money.rs:10:9 error {tests::adds} assertion `left == right` failed",
            "src/main.rs:3:5 error no such file",
        ]
    );
}

#[test]
fn what_c_and_java_say() {
    let text = "\
src/a.c: In function 'main':
src/a.c:3:5: error: 'x' undeclared (first use in this function)
src/a.c:4:2: warning: unused variable 'y' [-Wunused-variable]
src/a.c:5:2: note: each undeclared identifier is reported only once
inc/b.h:1:10: fatal error: none.h: No such file or directory
src/main/java/A.java:7: error: ';' expected
src/main/java/B.java:9: warning: [deprecation] stop() in Thread has been deprecated
[ERROR] /w/src/main/java/C.java:[10,5] cannot find symbol
[WARNING] /w/src/main/java/D.java:[1,2] uses unchecked operations
e: file:///w/src/main/kotlin/E.kt:3:7 Unresolved reference: foo
w: /w/src/F.kt: (4, 9): Variable 'a' is never used
CartTest > totals() FAILED
    org.opentest4j.AssertionFailedError at CartTest.java:23
[ERROR] com.acme.CartTest.totals -- Time elapsed: 0.01 s <<< FAILURE!
[ERROR] Failures: 
[ERROR]   CartTest.totals:23 expected: <1> but was: <2>
[ERROR]   ShopTest>com.acme.BaseTest.boom:30 » NullPointer
[ERROR]   Run 1: CartTest.rates(int)[2]:24->check:30 bad
[ERROR]   CartTest$Empty.adds:9
[ERROR] Tests run: 4, Failures: 4, Errors: 0, Skipped: 0
";
    assert_eq!(
        scan(text),
        [
            "src/a.c:3:5 error 'x' undeclared (first use in this function)",
            "src/a.c:4:2 warning[unused-variable] unused variable 'y'",
            "inc/b.h:1:10 error none.h: No such file or directory",
            "src/main/java/A.java:7 error ';' expected",
            "src/main/java/B.java:9 warning [deprecation] stop() in Thread has been deprecated",
            "src/main/java/C.java:10:5 error cannot find symbol",
            "src/main/java/D.java:1:2 warning uses unchecked operations",
            "src/main/kotlin/E.kt:3:7 error Unresolved reference: foo",
            "src/F.kt:4:9 warning Variable 'a' is never used",
            "CartTest.java:23 error[org.opentest4j.AssertionFailedError] {CartTest > totals()} org.opentest4j.AssertionFailedError",
            "CartTest.java:23 error {CartTest.totals} expected: <1> but was: <2>",
            "com/acme/BaseTest.java:30 error {ShopTest>com.acme.BaseTest.boom} NullPointer",
            "CartTest.java:24 error {CartTest.rates(int)[2]} bad",
            "CartTest.java:9 error {CartTest$Empty.adds} a test failed",
        ]
    );
}

#[test]
fn what_node_says() {
    let text = "\
src/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.
src/b.ts:4:6 - error TS2304: Cannot find name 'foo'.

/w/src/c.js
  1:10  error    'x' is defined but never used  no-unused-vars
  2:1   warning  Unexpected console statement   no-console

✖ 2 problems (1 error, 1 warning)

/w/src/d.js:5:2: Missing semicolon. [Error/semi]
/w/src/e.js: line 6, col 3, Warning - Unexpected var. (no-var)
  ● cart › adds

    expect(received).toBe(expected) // Object.is equality

    Expected: 2
    Received: 1

      4 |   expect(1).toBe(2);
        |             ^

      at Object.toBe (src/cart.test.js:4:13)
      at run (src/other.js:1:1)

  ● cart › waits

    it never came

      at Object.wait (src/cart.test.js:9:3)
      at run (src/other.js:1:1)

 FAIL  src/x.test.ts > adds
AssertionError: expected 1 to be 2 // Object.is equality
 ❯ src/x.test.ts:5:13

test at test/server.test.js:10:1
✖ answers (1.5ms)
  AssertionError [ERR_ASSERTION]: 1 == 2

  1 !== 2

      at TestContext.<anonymous> (file:///w/test/server.test.js:10:32)
";
    assert_eq!(
        scan(text),
        [
            "src/a.ts:3:5 error[TS2322] Type 'string' is not assignable to type 'number'.",
            "src/b.ts:4:6 error[TS2304] Cannot find name 'foo'.",
            "src/c.js:1:10 error[no-unused-vars] 'x' is defined but never used",
            "src/c.js:2:1 warning[no-console] Unexpected console statement",
            "src/d.js:5:2 error[semi] Missing semicolon.",
            "src/e.js:6:3 warning[no-var] Unexpected var.",
            "src/cart.test.js:4:13 error {cart › adds} expect(received).toBe(expected) // Object.is equality",
            "src/cart.test.js:9:3 error {cart › waits} a test failed",
            "src/x.test.ts:5:13 error[AssertionError] {adds} expected 1 to be 2 // Object.is equality",
            "test/server.test.js:10:1 error {answers} AssertionError [ERR_ASSERTION]: 1 == 2",
        ]
    );
}

#[test]
fn what_go_and_python_say() {
    let text = "\
# example.com/a
./main.go:3:2: undefined: foo
vet: ./b.go:4:5: undefined: bar
--- FAIL: TestTotal (0.00s)
    money_test.go:12: got 1, want 2
=== RUN   TestRate/none
    rate_test.go:9: 
        \tError Trace:\t/w/rate_test.go:9
        \tError:      \tNot equal: 
_____________________________ test_rate _____________________________
    def test_rate():
>       assert rate() == 2
E       assert 1 == 2
E        +  where 1 = rate()

tests/test_money.py:5: AssertionError
a.py:3: error: Incompatible return value type  [return-value]
b.py:4:7: F401 [*] `os` imported but unused
F821 Undefined name `x`
 --> src/c.py:2:1
  |
  /w/d.py:1:2 - error: Import \"x\" could not be resolved (reportMissingImports)
Traceback (most recent call last):
  File \"/w/app.py\", line 8, in <module>
    main()
  File \"/usr/lib/python3/json.py\", line 9, in loads
    raise
json.decoder.JSONDecodeError: Expecting value: line 1
FAIL: test_total (tests.test_cart.CartTest.test_total)
Traceback (most recent call last):
  File \"/w/tests/test_cart.py\", line 7, in test_total
    self.assertEqual(1, 2)
AssertionError: 1 != 2
";
    assert_eq!(
        scan(text),
        [
            "main.go:3:2 error undefined: foo",
            "b.go:4:5 error undefined: bar",
            "money_test.go:12 error {TestTotal} got 1, want 2",
            "rate_test.go:9 error {TestRate/none} Not equal:",
            "tests/test_money.py:5 error[AssertionError] {test_rate} assert 1 == 2",
            "a.py:3 error[return-value] Incompatible return value type",
            "b.py:4:7 error[F401] `os` imported but unused",
            "src/c.py:2:1 error[F821] Undefined name `x`",
            "d.py:1:2 error[reportMissingImports] Import \"x\" could not be resolved",
            "app.py:8 error[json.decoder.JSONDecodeError] Expecting value: line 1",
            "tests/test_cart.py:7 error[AssertionError] {test_total} 1 != 2",
        ]
    );
}

#[test]
fn what_others_say() {
    let text = "\
/w/Program.cs(10,5): error CS0103: The name 'x' does not exist [/w/a.csproj]
1) CartTest::testTotal
Failed asserting that 1 matches expected 2.

/w/tests/CartTest.php:12
rspec ./spec/cart_spec.rb:3 # Cart adds
lib/a.rb:1:2: C: [Correctable] Style/StringLiterals: Prefer single-quoted strings
│ Error: Unsupported argument
│ 
│   on main.tf line 3, in resource \"x\" \"y\":
Dockerfile:3 DL3008 warning: Pin versions in apt get install
** (CompileError) lib/x.ex:3: undefined function foo/0
  Failed Acme.CartTests.Totals [12 ms]
  Error Message:
   Assert.Equal() Failure
Expected: 1
  Stack Trace:
     at Acme.CartTests.Totals() in /w/CartTests.cs:line 10
  1) test adds (CartTest)
     test/cart_test.exs:5
     Assertion with == failed
CartTest#test_total [test/cart_test.rb:12]:
Expected: 1
CartTest#test_err:
RuntimeError: boom
    test/cart_test.rb:7:in `test_err'
    test/cart_test.rb:9:in `run'
";
    assert_eq!(
        scan(text),
        [
            "Program.cs:10:5 error[CS0103] The name 'x' does not exist",
            "tests/CartTest.php:12 error {CartTest::testTotal} Failed asserting that 1 matches expected 2.",
            "spec/cart_spec.rb:3 error {Cart adds} a test failed",
            "lib/a.rb:1:2 warning[Style/StringLiterals] Prefer single-quoted strings",
            "main.tf:3 error Unsupported argument",
            "Dockerfile:3 warning[DL3008] Pin versions in apt get install",
            "lib/x.ex:3 error[CompileError] undefined function foo/0",
            "CartTests.cs:10 error {Acme.CartTests.Totals} Assert.Equal() Failure",
            "test/cart_test.exs:5 error {adds (CartTest)} Assertion with == failed",
            "test/cart_test.rb:12 error {CartTest#test_total} Expected: 1",
            "test/cart_test.rb:7 error[RuntimeError] {CartTest#test_err} boom",
        ]
    );
}

#[test]
fn no_output_is_too_much() {
    let mut resolve = |_: &str, _: bool| Some(FilePath::from("a.c"));
    let mut scanner = Scanner::default();
    scanner.feed(&vec![b'x'; 8 << 20], &mut resolve);
    let endless = "a.c:1:1: error: ".repeat(1 << 14);
    scanner.feed(endless.as_bytes(), &mut resolve);
    scanner.feed(b"\n", &mut resolve);
    for at in 0..10_000 {
        let line = format!("a.c:{at}:1: error: no {at}\n");
        scanner.feed(line.as_bytes(), &mut resolve);
    }
    assert!(scanner.state.recent.len() <= REMEMBERED);
    let (found, dropped) = scanner.finish(&mut resolve);
    assert_eq!(found.len(), KEPT);
    assert!(dropped >= 9_000, "{dropped}");
    assert!(found.iter().all(|it| it.message.len() <= LONGEST_MESSAGE));
}
