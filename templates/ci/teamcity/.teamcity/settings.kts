// Tests what a change affects[[ ", and deploys what is due" if environments ]]. Made by `svc ci init teamcity`; from here on it is yours.
//
// One build is enough: svc runs what it can at once. Results stay in ~/.cache/svc of the agent.
import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.buildSteps.script
import jetbrains.buildServer.configs.kotlin.triggers.vcs

version = "2024.12"

project {
    buildType(Test)
[% for stage in environments %]
    buildType(Deploy_[[ stage.id ]])
[% endfor %]
}

object Test : BuildType({
    name = "Test"

    vcs {
        root(DslContext.settingsRoot)
        checkoutMode = CheckoutMode.ON_AGENT
    }
    steps {
        script {
            name = "Install svc"
            scriptContent = [[ install | percent | kotlin ]]
        }
        script {
            name = "Test"
            scriptContent = [[ ((svc | percent) ~ " test") | kotlin ]]
        }
    }
    triggers {
        vcs {
            branchFilter = "+:*"
        }
    }
})
[% for stage in environments %]

object Deploy_[[ stage.id ]] : BuildType({
    name = "Deploy to [[ stage.name ]]"
    type = BuildTypeSettings.Type.DEPLOYMENT
    // One after the other.
    maxRunningBuilds = 1

    params {
        // `--bootstrap` deploys where nothing was deployed before.
        text("deploy.flags", "", allowEmpty = true)
    }
    vcs {
        root(DslContext.settingsRoot)
        checkoutMode = CheckoutMode.ON_AGENT
        // Only its branches: nothing of a pull request, wherever it comes from.
        branchFilter = """
[% for pattern in stage.patterns %]
            +:[[ "<default>" if pattern == default_branch else pattern ]]
[% endfor %]
        """.trimIndent()
    }
    steps {
        script {
            name = "Install svc"
            scriptContent = [[ install | percent | kotlin ]]
        }
        script {
            // The ledger is pushed to [[ ref_prefix ]]: the VCS root has to allow that.
            name = "Fetch the ledger"
            scriptContent = [[ fetch | percent | kotlin ]]
        }
        script {
            name = "Deploy"
            scriptContent = [[ ((svc | percent) ~ " deploy --env " ~ stage.name ~ " --yes --lock-wait 30m %deploy.flags%") | kotlin ]]
        }
    }
[% if stage.protected %]
    // It is `protected`, so somebody starts it by hand.
[% else %]
    triggers {
        vcs {
        }
    }
[% endif %]
    dependencies {
        snapshot([[ "Deploy_" ~ stage.after_id if stage.after else "Test" ]]) {
            onDependencyFailure = FailureAction.FAIL_TO_START
        }
    }
})
[% endfor %]
