BEGIN TRANSACTION;
CREATE TABLE jobs (
	id VARCHAR(32) NOT NULL, 
	turn INTEGER NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	changed FLOAT NOT NULL, 
	name TEXT NOT NULL, 
	spec JSON NOT NULL, 
	dataset TEXT NOT NULL, 
	recipe JSON NOT NULL, 
	resources JSON NOT NULL, 
	sweep VARCHAR(32) NOT NULL, 
	varied JSON NOT NULL, 
	submitted FLOAT NOT NULL, 
	started FLOAT, 
	ended FLOAT, 
	slots JSON NOT NULL, 
	pids JSON NOT NULL, 
	progress FLOAT NOT NULL, 
	live JSON, 
	notes JSON NOT NULL, 
	error JSON, 
	result JSON, 
	PRIMARY KEY (id)
);
INSERT INTO "jobs" VALUES('k7g3r0kwdzwyqq',1,'finished',1.79616043490314817427e+09,'mnist-fc digits','{"family": "vgg", "cfg": [], "batch_norm": false, "pool_to": null, "classifier": [8, 8], "in_features": null, "dropout": 0.0, "dropout_position": "after", "head": "linear", "in_channels": 1, "image_size": 28, "num_classes": 10}','digits','{"optimizer": "adamw", "lr": 0.001, "momentum": 0.9, "weight_decay": 0.3, "schedule": "onecycle", "step_size": 10, "gamma": 0.1, "patience": 3, "threshold": 0.0001, "warmup_epochs": null, "epochs": 30, "batch_size": 64, "augment": null, "rotation_degrees": 15.0, "noise_std": 0.1, "mean": null, "std": null, "init": "he", "label_smoothing": 0.1, "clip_norm": 1.0, "clip_value": null, "ema": null, "aux_weight": 0.3, "freeze": [], "weights": null, "precision": "auto", "compile": false, "seed": 0, "validation_fraction": 0.1}','{"device": "auto", "processes": 1, "threads": null}','','{}',1.79616043485390663144e+09,1.0,2.0,'[]','[]',1.0,NULL,'[]',NULL,'{"top1": 0.75}');
INSERT INTO "jobs" VALUES('nsvetiobgutwrc',2,'queued',1.79616043485390663144e+09,'mnist-fc digits','{"family": "vgg", "cfg": [], "batch_norm": false, "pool_to": null, "classifier": [8, 8], "in_features": null, "dropout": 0.0, "dropout_position": "after", "head": "linear", "in_channels": 1, "image_size": 28, "num_classes": 10}','digits','{"optimizer": "adamw", "lr": 0.001, "momentum": 0.9, "weight_decay": 0.3, "schedule": "onecycle", "step_size": 10, "gamma": 0.1, "patience": 3, "threshold": 0.0001, "warmup_epochs": null, "epochs": 30, "batch_size": 64, "augment": null, "rotation_degrees": 15.0, "noise_std": 0.1, "mean": null, "std": null, "init": "he", "label_smoothing": 0.1, "clip_norm": 1.0, "clip_value": null, "ema": null, "aux_weight": 0.3, "freeze": [], "weights": null, "precision": "auto", "compile": false, "seed": 0, "validation_fraction": 0.1}','{"device": "auto", "processes": 1, "threads": null}','','{}',1.79616043485390663144e+09,NULL,NULL,'[]','[]',0.0,NULL,'[]',NULL,NULL);
CREATE TABLE metrics (
	job VARCHAR(32) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	epoch INTEGER NOT NULL, 
	value FLOAT, 
	PRIMARY KEY (job, name, epoch), 
	FOREIGN KEY(job) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO "metrics" VALUES('k7g3r0kwdzwyqq','train/loss',1,0.5);
INSERT INTO "metrics" VALUES('k7g3r0kwdzwyqq','validation/top1',1,0.5);
INSERT INTO "metrics" VALUES('k7g3r0kwdzwyqq','train/loss',2,0.25);
INSERT INTO "metrics" VALUES('k7g3r0kwdzwyqq','validation/top1',2,0.75);
CREATE TABLE points (
	job VARCHAR(32) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	epoch FLOAT NOT NULL, 
	value FLOAT, 
	PRIMARY KEY (job, name, epoch), 
	FOREIGN KEY(job) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO "points" VALUES('k7g3r0kwdzwyqq','step/loss',0.5,1.5);
CREATE INDEX ix_jobs_status ON jobs (status);
CREATE INDEX ix_jobs_sweep ON jobs (sweep);
CREATE INDEX ix_jobs_turn ON jobs (turn);
CREATE INDEX ix_jobs_changed ON jobs (changed);
COMMIT;
