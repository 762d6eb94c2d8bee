"""What the report says, in English and in French, and how it writes numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LANGUAGES = ("en", "fr")

NARROW_SPACE = "\u202f"
"""Between thousands, and before the per cent sign, in French; a line never breaks at it."""

TEXTS: Mapping[str, tuple[str, str]] = {
    "title": ("Report of a run", "Rapport d'un calcul"),
    "untrained": (
        "The network has random weights: its features mean nothing, and neither do the figures made of them.",
        "Les poids du réseau sont aléatoires : les descripteurs n'ont pas de sens, ni les figures qui en découlent.",
    ),
    "no_script": (
        "The figures are drawn by JavaScript, which is switched off here. The tables are complete without it.",
        "Les figures sont tracées en JavaScript, désactivé ici. Les tableaux sont complets sans lui.",
    ),
    "not_drawn": ("This figure could not be drawn by this browser.", "Ce navigateur n'a pas pu tracer cette figure."),
    # the tiles at the top
    "photos_used": ("photos used", "photos utilisées"),
    "of_found": ("of {found} found", "sur {found} trouvées"),
    "photos_a_second": ("photos a second", "photos par seconde"),
    "features_stage": ("features, whole stage", "descripteurs, étape entière"),
    "components_kept": ("components kept", "composantes retenues"),
    "of_the_variance": ("{share} of the variance", "{share} de la variance"),
    "accuracy": ("accuracy", "exactitude"),
    "on_test_photos": ("{right} of {photos} test photos", "{right} sur {photos} photos de test"),
    "photos_rejected": ("photos rejected", "photos rejetées"),
    # sections
    "run": ("What ran", "Le calcul"),
    "labels": ("Photos a label", "Photos par étiquette"),
    "variance": ("Explained variance", "Variance expliquée"),
    "scatter": ("Photos by components", "Photos selon les composantes"),
    "time": ("Where the time went", "Temps passé"),
    "classifier": ("Classifier", "Classifieur"),
    "mistakes": ("Worst-classified photos", "Photos les plus mal classées"),
    "rejected": ("Rejected photos", "Photos rejetées"),
    # what ran
    "started": ("Started", "Début"),
    "finished": ("Finished", "Fin"),
    "run_id": ("Run", "Identifiant"),
    "images": ("Photos", "Photos"),
    "test_images": ("Test photos", "Photos de test"),
    "predict_images": ("Photos without labels", "Photos sans étiquette"),
    "split": ("Used", "Utilisées"),
    "split_counts": (
        "{train} to fit on, {test} to test, {predict} to predict",
        "{train} pour l'ajustement, {test} de test, {predict} à prédire",
    ),
    "network": ("Network", "Réseau"),
    "network_value": (
        "{name}, {width} x {height} pixels, {features} features",
        "{name}, {width} x {height} pixels, {features} descripteurs",
    ),
    "weights": ("Weights", "Poids"),
    "visual_words": ("Visual words", "Mots visuels"),
    "visual_words_value": (
        "{words} words from {descriptor} descriptors, {keypoints} keypoints a photo at most",
        "{words} mots tirés de descripteurs {descriptor}, {keypoints} points d'intérêt par photo au plus",
    ),
    "standardised": ("Features standardised", "Descripteurs standardisés"),
    "cost": ("Cost", "Coût"),
    "cost_unknown": (
        "not known to the job; on AWS, orchard results fills it in",
        "inconnu du calcul ; sur AWS, orchard results l'ajoute",
    ),
    "cost_tile": ("USD for the run", "USD pour ce calcul"),
    "cost_tile_more": ("an estimate", "estimation"),
    "cost_amount": (
        "About {usd}: it took {took}, {share} of the node hours of the cluster {cluster}, which cost {cluster_usd}.",
        "Environ {usd} : durée {took}, {share} des heures de nœud du cluster {cluster}, qui a coûté {cluster_usd}.",
    ),
    "cost_estimate": (
        "An estimate: hours by EMR's timeline times {prices}. The bill is AWS' own.",
        "Estimation : heures selon EMR, multipliées par {prices}. Seule la facture d'AWS fait foi.",
    ),
    "cost_asked": (
        "the prices of {region} as AWS gave them on {day}",
        "les prix de {region} donnés par AWS le {day}",
    ),
    "cost_table": (
        "the prices of {region} in a table of {day}",
        "les prix de {region} d'un tableau du {day}",
    ),
    "cost_until": (
        "The cluster still ran when this was asked, {asked}: it has cost more since.",
        "Le cluster tournait encore au moment de l'estimation, {asked} : il a coûté davantage depuis.",
    ),
    "cost_spot": (
        "Nodes on Spot are counted at the price on demand, which is more than was paid.",
        "Les nœuds Spot sont comptés au prix à la demande, supérieur à celui payé.",
    ),
    "cost_taken_over": (
        "Earlier attempts computed {photos} of the photos: their time is not counted.",
        "Des essais précédents ont calculé {photos} photos : leur temps n'est pas compté.",
    ),
    "cost_left_out": (
        "Not counted: tax, S3, network, keys and secrets, logs.",
        "Non comptés : taxes, S3, réseau, clés et secrets, journaux.",
    ),
    "cost_left_out_and_disks": (
        "Not counted: tax, S3, network, keys and secrets, logs, and disks, whose price is not known.",
        "Non comptés : taxes, S3, réseau, clés et secrets, journaux, et disques, dont le prix est inconnu.",
    ),
    "yes": ("yes", "oui"),
    "no": ("no", "non"),
    "all_arguments": ("All arguments and versions", "Tous les arguments et versions"),
    # labels
    "labels_note": ("{labels} labels.", "{labels} étiquettes."),
    "labels_cut": (
        "{labels} labels; the {most} largest and the {least} smallest are shown.",
        "{labels} étiquettes ; les {most} plus grandes et les {least} plus petites sont montrées.",
    ),
    "label": ("Label", "Étiquette"),
    "no_label": ("(no label)", "(sans étiquette)"),
    "photos": ("Photos", "Photos"),
    "train": ("fitted on", "ajustement"),
    "test": ("test", "test"),
    "predict": ("to predict", "à prédire"),
    # variance
    "variance_note": (
        "How much of the features' variance the first components keep together. {available} components exist.",
        "Part de la variance conservée par les premières composantes. Il existe {available} composantes.",
    ),
    "curve_cut": ("The curve is shown up to {shown}.", "La courbe est montrée jusqu'à {shown}."),
    "components": ("Components", "Composantes"),
    "share": ("Variance kept", "Variance conservée"),
    "components_needed": ("Components needed", "Composantes nécessaires"),
    "mark": ("{share}: {count}", "{share} : {count}"),
    # scatter
    "scatter_note": (
        "{shown} of {total} photos, drawn evenly over the labels; thumbnails for {thumbnails} of them.",
        "{shown} photos sur {total}, tirées également entre étiquettes ; vignettes pour {thumbnails} d'entre elles.",
    ),
    "scatter_all_note": (
        "All {total} photos; thumbnails for {thumbnails} of them.",
        "Toutes les {total} photos ; vignettes pour {thumbnails} d'entre elles.",
    ),
    "scatter_help": (
        "Up to eight labels have a colour and a shape: choose them below. Point at a photo, or tap it, to see it.",
        "Huit étiquettes au plus ont couleur et forme : choisissez-les ci-dessous. Pointez ou touchez une photo.",
    ),
    "one_component": (
        "The run kept one component: there is nothing to draw in a plane.",
        "Le calcul n'a retenu qu'une composante : il n'y a pas de plan à tracer.",
    ),
    "across": ("Across", "Horizontal"),
    "upwards": ("Upwards", "Vertical"),
    "component": ("Component {number}", "Composante {number}"),
    "find_label": ("Find a label", "Chercher une étiquette"),
    "none": ("None", "Aucune"),
    # time
    "rate_note": (
        "{rate} photos a second in the stage of the features: {photos} photos in {seconds} s.",
        "{rate} photos par seconde à l'étape des descripteurs : {photos} photos en {seconds} s.",
    ),
    "stages": ("Stages, seconds by the clock", "Étapes, en secondes écoulées"),
    "task_stages": (
        "Inside the stage of the features, seconds of all tasks together",
        "Dans l'étape des descripteurs, secondes de toutes les tâches réunies",
    ),
    "stage": ("Stage", "Étape"),
    "seconds": ("Seconds", "Secondes"),
    "stage_list": ("list photos", "lister les photos"),
    "stage_backbone": ("load network", "charger le réseau"),
    "stage_resume": ("find earlier work", "retrouver l'acquis"),
    "stage_start": ("start Spark", "démarrer Spark"),
    "stage_features": ("features", "descripteurs"),
    "stage_fit": ("fit components", "ajuster l'ACP"),
    "stage_projection": ("project", "projeter"),
    "stage_descriptors": ("keypoints", "points d'intérêt"),
    "stage_vocabulary": ("visual words", "mots visuels"),
    "stage_histograms": ("histograms", "histogrammes"),
    "stage_train": ("train classifier", "entraîner le classifieur"),
    "stage_predict": ("classify", "classer"),
    "stage_report": ("report", "rapport"),
    "stage_read": ("wait for bytes", "attendre la lecture"),
    "stage_decode": ("decode", "décoder"),
    "stage_infer": ("infer", "inférer"),
    "stage_describe": ("describe", "décrire"),
    "stage_write": ("write", "écrire"),
    # classifier
    "classifier_logistic": ("Logistic regression", "Régression logistique"),
    "classifier_tree": ("Decision tree", "Arbre de décision"),
    "classifier_forest": ("Random forest", "Forêt aléatoire"),
    "classifier_mlp": ("Multilayer perceptron", "Perceptron multicouche"),
    "classifier_note": (
        "{kind}, trained on {trained} photos: accuracy {accuracy}, macro F1 {macro}.",
        "{kind}, entraîné sur {trained} photos : exactitude {accuracy}, F1 macro {macro}.",
    ),
    "unseen": (
        "Labels that only test photos have, counted as wrong: {labels}.",
        "Étiquettes vues seulement au test, comptées comme erreurs : {labels}.",
    ),
    "confusion": ("Confusion matrix", "Matrice de confusion"),
    "confusion_note": (
        "Rows: true labels; columns: predictions. Blue is right, orange wrong; stronger is a larger share of the row.",
        "Lignes : étiquettes vraies ; colonnes : prédictions. Bleu : juste, orange : faux, selon la part de la ligne.",
    ),
    "too_many_labels": (
        "{labels} labels are too many for one matrix: the largest confusions follow.",
        "{labels} étiquettes sont trop nombreuses pour une matrice : voici les plus grandes confusions.",
    ),
    "of_the_row": ("Share of the row", "Part de la ligne"),
    "focus": ("The {labels} labels most often confused", "Les {labels} étiquettes les plus confondues"),
    "confusions": ("Most frequent confusions", "Confusions les plus fréquentes"),
    "weakest": ("Weakest labels", "Étiquettes les plus faibles"),
    "true_label": ("True label", "Étiquette vraie"),
    "predicted": ("Predicted", "Prédiction"),
    "of_photos": ("{count} of {photos}", "{count} sur {photos}"),
    "precision": ("Precision", "Précision"),
    "recall": ("Recall", "Rappel"),
    "f1": ("F1", "F1"),
    "no_mistakes": ("Every test photo was classified right.", "Toutes les photos de test sont bien classées."),
    "mistakes_note": (
        "{wrong} of {photos} test photos are wrong. These are the {shown} that the classifier was surest of.",
        "{wrong} photos de test sur {photos} sont mal classées. Voici les {shown} erreurs les plus sûres d'elles.",
    ),
    "taken_for": ("taken for {label}", "prise pour {label}"),
    "sure": ("{share} sure", "sûr à {share}"),
    "no_thumbnail": ("no thumbnail", "pas de vignette"),
    # rejected
    "none_rejected": ("No photo was rejected.", "Aucune photo n'a été rejetée."),
    "rejected_note": (
        "{rejected} of {found} photos could not be used.",
        "{rejected} photos sur {found} n'ont pas pu être utilisées.",
    ),
    "first_shown": ("The first {shown} of them:", "Les {shown} premières :"),
    "reason": ("Reason", "Raison"),
    "reasons_cut": ("and {others} other reasons", "et {others} autres raisons"),
    "photo": ("Photo", "Photo"),
    "footer": (
        "Written by Orchard. This page is complete: it loads nothing from anywhere.",
        "Écrit par Orchard. Cette page est complète : elle ne charge rien d'ailleurs.",
    ),
}
"""English and French of every text."""


@dataclass(frozen=True)
class Words:
    """The report's language.

    Parameters
    ----------
    language
        One of ``LANGUAGES``.
    """

    language: str

    def __call__(self, name: str, /, **values: str) -> str:
        """Return a text with its values filled in."""
        return TEXTS[name][LANGUAGES.index(self.language)].format(**values)

    def stage(self, name: str) -> str:
        """Return how a stage is called; one that has no name here is called as the job calls it."""
        return self(f"stage_{name}") if f"stage_{name}" in TEXTS else name

    def classifier(self, name: str) -> str:
        """Return how a classifier is called; one that has no name here is called as the job calls it."""
        return self(f"classifier_{name}") if f"classifier_{name}" in TEXTS else name

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with so many digits after the decimal sign."""
        english = f"{value:,.{digits}f}"
        if self.language == "en":
            return english
        return english.translate({ord(","): NARROW_SPACE, ord("."): ","})

    def share(self, value: float, digits: int = 0) -> str:
        """Return a share of 1 in per cent."""
        return f"{self.number(100 * value, digits)}{'' if self.language == 'en' else NARROW_SPACE}%"

    def locale(self) -> dict[str, Any]:
        """Return the language's number format as Vega wants it (d3-format's locale)."""
        if self.language == "en":
            return {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["$", ""]}
        return {
            "decimal": ",",
            "thousands": NARROW_SPACE,
            "grouping": [3],
            "currency": ["", "\u00a0€"],
            "percent": f"{NARROW_SPACE}%",
        }
