// Reads a declarative pipeline as Jenkins does, by Groovy itself, and prints what it holds as JSON: each directive with its
// arguments and what lies below it. A directive that Jenkins does not know at its place is an error. `true` as the second
// argument is what a person chose for every parameter.

import groovy.json.JsonOutput
import org.codehaus.groovy.control.CompilerConfiguration

class Block {
    // What may stand below each directive. Steps are those that pipelines of ours use.
    static final Map<String, List<String>> KNOWN = [
        file      : ['pipeline'],
        pipeline  : ['agent', 'environment', 'options', 'parameters', 'triggers', 'tools', 'stages', 'post'],
        options   : ['disableConcurrentBuilds', 'timeout', 'timestamps', 'buildDiscarder', 'skipDefaultCheckout'],
        parameters: ['booleanParam', 'string', 'choice', 'text', 'password'],
        stages    : ['stage'],
        stage     : ['agent', 'environment', 'options', 'tools', 'input', 'when', 'steps', 'stages', 'parallel', 'post'],
        input     : ['message', 'id', 'ok', 'submitter', 'submitterParameter', 'parameters'],
        when      : ['beforeAgent', 'beforeInput', 'beforeOptions', 'branch', 'changeRequest', 'buildingTag', 'tag',
                     'environment', 'expression', 'not', 'allOf', 'anyOf'],
        not       : ['branch', 'changeRequest', 'buildingTag', 'tag', 'environment', 'expression', 'not', 'allOf', 'anyOf'],
        anyOf     : ['branch', 'changeRequest', 'buildingTag', 'tag', 'environment', 'expression', 'not', 'allOf', 'anyOf'],
        allOf     : ['branch', 'changeRequest', 'buildingTag', 'tag', 'environment', 'expression', 'not', 'allOf', 'anyOf'],
        steps     : ['sh', 'echo', 'checkout', 'withCredentials'],
    ]
    String name
    List arguments = []
    List below = []
    boolean chosen

    def methodMissing(String name, Object given) {
        if (!KNOWN.getOrDefault(this.name, []).contains(name)) {
            throw new IllegalArgumentException("`${name}` is nothing that stands in `${this.name}`")
        }
        def all = (given as Object[]) as List
        def block = new Block(name: name, chosen: chosen)
        if (all && all.last() instanceof Closure) {
            def body = all.remove(all.size() - 1)
            body.delegate = block
            body.resolveStrategy = Closure.DELEGATE_ONLY
            body.call()
        }
        block.arguments = all.collect { it instanceof Map ? it : (it instanceof Boolean ? it : it.toString()) }
        below << block
        return block
    }

    def propertyMissing(String name) {
        switch (name) {
            case 'any': return 'any'
            case 'params': return [:].withDefault { chosen }
            default: throw new MissingPropertyException(name, Block)
        }
    }

    Map tree() { [name: name, arguments: arguments, below: below.collect { it.tree() }] }
}

def configuration = new CompilerConfiguration(scriptBaseClass: DelegatingScript.name)
def file = new Block(name: 'file', chosen: args.length > 1 && args[1] == 'true')
def script = new GroovyShell(this.class.classLoader, new Binding(), configuration).parse(new File(args[0]))
script.setDelegate(file)
script.run()
println JsonOutput.toJson(file.tree())
